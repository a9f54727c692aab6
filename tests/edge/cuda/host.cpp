// The kernels for the host: CUDA's words defined away, threads as loops. Everything else is edge/cuda's own source.
#include <cmath>
#include <cstddef>

#define __device__
#define __global__

struct Index {
    unsigned x, y, z;
};
static thread_local Index blockIdx, threadIdx, blockDim;

static int atomicAdd(int *sum, int value) { return *sum += value, *sum - value; }

#include "kernels.cu"

template <class Kernel, class... Arguments> static void launch(Index size, Kernel kernel, Arguments... arguments) {
    blockDim = {1, 1, 1};
    threadIdx = {0, 0, 0};
    for (blockIdx.z = 0; blockIdx.z < size.z; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < size.y; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < size.x; blockIdx.x++)
                kernel(arguments...);
}

extern "C" void host_letterbox(const Fitted *rows, float *tensor, int count, int height, int width) {
    launch({(unsigned)width, (unsigned)height, (unsigned)count}, letterbox, rows, tensor, height, width);
}

extern "C" void host_plates(const Plate *rows, float *tensor, int count, int height, int width) {
    launch({(unsigned)width, (unsigned)height, (unsigned)count}, plates, rows, tensor, height, width);
}

extern "C" void host_pictures(const float *tensor, unsigned char *bgr, int count, int height, int width) {
    launch({(unsigned)width, (unsigned)height, (unsigned)count}, pictures, tensor, bgr, height, width);
}

extern "C" void host_candidates(
    const float *scores, const float *boxes, const float *quads, int count, float threshold, int most, Candidate *rows, int *found) {
    launch({(unsigned)count, 1, 1}, candidates, scores, boxes, quads, count, threshold, most, rows, found);
}
