// HTJ2K encoding by OpenJPH, whose interface is C++: one function that cannot throw.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <openjph/ojph_arch.h>
#include <openjph/ojph_base.h>
#include <openjph/ojph_codestream.h>
#include <openjph/ojph_file.h>
#include <openjph/ojph_mem.h>
#include <openjph/ojph_params.h>

namespace {

// Hands on what is written.
class sink : public ojph::outfile_base {
public:
    using writer = void (*)(void *target, const std::uint8_t *bytes, std::size_t length);

    sink(writer write, void *target) : write_(write), target_(target) {}

    std::size_t write(const void *bytes, std::size_t length) override {
        write_(target_, static_cast<const std::uint8_t *>(bytes), length);
        written_ += static_cast<ojph::si64>(length);
        return length;
    }

    ojph::si64 tell() override { return written_; }

private:
    writer write_;
    void *target_;
    ojph::si64 written_ = 0;
};

std::atomic<bool> was_asked{false};

}  // namespace

// OpenJPH asks this function which vector instructions the processor has, and one of the program's stands in for its own. With
// them it looks behind the last column of a line, where something else or nothing was written, to tell whether a code block is
// empty, and the same frame comes to other bytes each time. It is told that there are none.
namespace ojph {
int get_cpu_ext_level() {
    was_asked = true;
    return 0;
}
}  // namespace ojph

extern "C" {

struct markgate_htj2k_frame {
    const std::int32_t *samples;  // row by row, pixel by pixel, sample by sample
    std::uint32_t columns;
    std::uint32_t rows;
    std::uint32_t components;
    std::uint32_t depth;
    std::uint32_t is_signed;
    std::uint32_t tile_width;
    std::uint32_t tile_height;
    std::uint32_t levels;
    std::uint32_t block_width;
    std::uint32_t block_height;
    std::uint32_t transformed;
    std::uint32_t precincts;  // how many sizes follow, in the order of the codestream
    std::uint32_t precinct_widths[33];
    std::uint32_t precinct_heights[33];
    char progression[5];
};

// 0 if the frame was written, anything else if it was refused.
int markgate_htj2k_encode(const markgate_htj2k_frame *frame, sink::writer write, void *target) {
    try {
        ojph::codestream codestream;
        ojph::param_siz siz = codestream.access_siz();
        siz.set_image_extent(ojph::point(frame->columns, frame->rows));
        siz.set_tile_size(ojph::size(frame->tile_width, frame->tile_height));
        siz.set_num_components(frame->components);
        for (std::uint32_t index = 0; index < frame->components; ++index)
            siz.set_component(index, ojph::point(1, 1), frame->depth, frame->is_signed != 0);

        ojph::param_cod cod = codestream.access_cod();
        cod.set_num_decomposition(frame->levels);
        cod.set_block_dims(frame->block_width, frame->block_height);
        cod.set_progression_order(frame->progression);
        cod.set_color_transform(frame->transformed != 0);
        cod.set_reversible(true);
        if (frame->precincts > 0) {
            ojph::size sizes[33];
            for (std::uint32_t index = 0; index < frame->precincts && index < 33; ++index)
                sizes[index] =
                    ojph::size(frame->precinct_widths[index], frame->precinct_heights[index]);
            cod.set_precinct_size(static_cast<int>(frame->precincts), sizes);
        }

        codestream.set_planar(false);
        sink file(write, target);
        codestream.write_headers(&file);
        ojph::ui32 component = 0;
        ojph::line_buf *line = codestream.exchange(nullptr, component);
        for (std::uint32_t row = 0; row < frame->rows; ++row) {
            for (std::uint32_t index = 0; index < frame->components; ++index) {
                const std::size_t start = std::size_t(row) * frame->columns * frame->components;
                const std::int32_t *from = frame->samples + start + component;
                for (std::uint32_t column = 0; column < frame->columns; ++column) {
                    line->i32[column] = *from;
                    from += frame->components;
                }
                line = codestream.exchange(line, component);
            }
        }
        codestream.flush();
        codestream.close();
#if defined(__x86_64__) || defined(__i386__)
        // Linked in a way in which it asks itself: nothing holds of what it has written.
        if (!was_asked) return 1;
#endif
        return 0;
    } catch (...) {
        return 1;
    }
}
}
