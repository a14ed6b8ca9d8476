//! The functions of the language: their names, how they are written, and what they work on.

use super::declarations::Kinds;

/// A function of plain values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Values,
    StartsWith,
    EndsWith,
    Contains,
    UpperAscii,
    LowerAscii,
    Abs,
    Log10,
}

/// A function that runs a condition over the values of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

/// What a name in front of parentheses stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Callable {
    Plain(Function),
    Over(Quantifier),
    Matches,
    Has,
    Parameter,
}

/// How a call is written.
pub(super) struct Signature {
    pub name: &'static str,
    pub callable: Callable,
    pub usage: &'static str,
    /// With a dot behind its first operand.
    pub dotted: bool,
    /// Without one.
    pub plain: bool,
    /// Operands, the one in front of the dot included.
    pub operands: usize,
}

const fn dotted(
    name: &'static str,
    callable: Callable,
    operands: usize,
    usage: &'static str,
) -> Signature {
    Signature { name, callable, usage, dotted: true, plain: false, operands }
}

const fn plain(name: &'static str, callable: Callable, usage: &'static str) -> Signature {
    Signature { name, callable, usage, dotted: false, plain: true, operands: 1 }
}

/// Every function, `has` included.
pub(super) const FUNCTIONS: &[Signature] = &[
    Signature { dotted: true, ..plain("size", Callable::Plain(Function::Size), "size(x)") },
    plain("values", Callable::Plain(Function::Values), "values(x)"),
    plain("abs", Callable::Plain(Function::Abs), "abs(number)"),
    plain("log10", Callable::Plain(Function::Log10), "log10(number)"),
    plain("has", Callable::Has, "has(dcm.KEYWORD)"),
    plain("param", Callable::Parameter, "param('NAME')"),
    dotted("startsWith", Callable::Plain(Function::StartsWith), 2, "text.startsWith(text)"),
    dotted("endsWith", Callable::Plain(Function::EndsWith), 2, "text.endsWith(text)"),
    dotted("contains", Callable::Plain(Function::Contains), 2, "text.contains(text)"),
    dotted("upperAscii", Callable::Plain(Function::UpperAscii), 1, "text.upperAscii()"),
    dotted("lowerAscii", Callable::Plain(Function::LowerAscii), 1, "text.lowerAscii()"),
    dotted("matches", Callable::Matches, 2, "text.matches('PATTERN')"),
    dotted("all", Callable::Over(Quantifier::All), 3, "list.all(v, condition)"),
    dotted("exists", Callable::Over(Quantifier::Exists), 3, "list.exists(v, condition)"),
    dotted("exists_one", Callable::Over(Quantifier::ExistsOne), 3, "list.exists_one(v, condition)"),
    dotted("filter", Callable::Over(Quantifier::Filter), 3, "list.filter(v, condition)"),
    dotted("map", Callable::Over(Quantifier::Map), 3, "list.map(v, expression)"),
];

impl Function {
    /// The kinds its operands must have, and what comes out of it.
    pub(super) fn kinds(self) -> (Kinds, &'static str) {
        match self {
            Self::Size => (Kinds::TEXT | Kinds::LIST, "`size`"),
            Self::Values => (Kinds::ANY, "`values`"),
            Self::StartsWith => (Kinds::TEXT, "`startsWith`"),
            Self::EndsWith => (Kinds::TEXT, "`endsWith`"),
            Self::Contains => (Kinds::TEXT, "`contains`"),
            Self::UpperAscii => (Kinds::TEXT, "`upperAscii`"),
            Self::LowerAscii => (Kinds::TEXT, "`lowerAscii`"),
            Self::Abs => (Kinds::NUMBER, "`abs`"),
            Self::Log10 => (Kinds::NUMBER, "`log10`"),
        }
    }

    pub(super) fn result(self, operand: Kinds) -> Kinds {
        match self {
            Self::Size | Self::Abs | Self::Log10 => Kinds::NUMBER,
            Self::Values => operand.listed(),
            Self::StartsWith | Self::EndsWith | Self::Contains => Kinds::BOOL,
            Self::UpperAscii | Self::LowerAscii => Kinds::TEXT,
        }
    }
}
