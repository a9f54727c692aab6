// alpr.imaging.letterbox and tensor: a picture fitted onto a canvas, the rest gray.
#include "resize.cuh"

struct Fitted { // edge/cuda/layout.py: FITTED
    Picture picture;
    int top, left;     // where the fitted picture starts on the canvas, px
    int height, width; // its size there
};
static_assert(sizeof(Fitted) == 40, "edge/cuda/layout.py: FITTED");

struct Whole {
    const Picture &picture;
    __device__ Rgb operator()(int y, int x) const { return pixel_at(picture, y, x); }
};

// tensor: (gridDim.z, 3, height, width) float RGB in 0..1
extern "C" __global__ void letterbox(const Fitted *pictures, float *tensor, int height, int width) {
    const float pad_gray = 114.f;
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    const Fitted &fit = pictures[blockIdx.z];
    int row = y - fit.top, column = x - fit.left;
    Rgb pixel = {pad_gray, pad_gray, pad_gray};
    if (row >= 0 && row < fit.height && column >= 0 && column < fit.width)
        pixel = resized(Whole{fit.picture}, taps(row, fit.picture.height, fit.height), taps(column, fit.picture.width, fit.width));
    store(tensor + (size_t)blockIdx.z * 3 * height * width, height, width, y, x, pixel);
}
