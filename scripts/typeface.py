"""Cuts the embedded typeface out of Noto Sans SC: run by typeface.sh.

    typeface.py SOURCE.ttf NAMES.txt OUT.ttf
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

FAMILY = "Markgate Sans SC"
# Licence and authorship stay; names and trademarks of others do not belong on a font that was changed.
NAMES = {
    1: FAMILY,
    2: "Regular",
    3: "markgate: Noto Sans SC 2.004 subset",
    4: FAMILY,
    6: FAMILY.replace(" ", ""),
}
KEPT_NAMES = {0, 5, 8, 9, 10, 13, 14}


def gb2312():
    """Every character of GB 2312: 6763 Han and 682 others."""
    characters = set()
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                characters.add(bytes((row, cell)).decode("gb2312"))
            except UnicodeDecodeError:
                pass
    return characters


def main(source, names, out):
    with open(names, encoding="utf-8") as file:
        lines = [line for line in file.read().splitlines() if not line.startswith("#")]
    wanted = set(map(chr, range(0x20, 0x7F))) | set(map(chr, range(0xA0, 0x100)))
    wanted |= gb2312() | set("".join(lines))
    font = TTFont(source, recalcTimestamp=False)
    missing = wanted - set(map(chr, font.getBestCmap()))
    if missing:
        sys.exit("not in the source: " + "".join(sorted(missing)))

    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.glyph_names = False
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.name_IDs = sorted(set(NAMES) | KEPT_NAMES)
    options.name_legacy = False
    options.drop_tables += ["BASE", "GDEF", "GPOS", "GSUB", "STAT", "vhea", "vmtx", "gasp"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[ord(character) for character in wanted])
    subsetter.subset(font)

    for record in font["name"].names:
        if record.nameID in NAMES:
            record.string = NAMES[record.nameID]
    font.save(out, reorderTables=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
