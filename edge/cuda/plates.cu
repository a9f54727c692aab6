// alpr.imaging.rectify and tensor: plates cut out of their frames, straightened, resized into a model's batch.
#include "resize.cuh"

struct Plate { // edge/cuda/layout.py: PLATE
    Picture picture;
    float warp[9];     // a pixel (x, y, 1) of the rectified plate → the picture's, both counted at pixel centres
    int height, width; // of the rectified plate, px; a height of 0: no plate in this row
};
static_assert(sizeof(Plate) == 72, "edge/cuda/layout.py: PLATE");

// The rectified plate, which exists one pixel at a time and in no memory.
struct Rectified {
    const Plate &plate;

    // fused along a row and nowhere else, as in OpenCV's vector code: coordinates then round alike
    __device__ static float along(const float *m, int row, int column) { return fmaf(m[0], column, m[1] * row + m[2]); }

    __device__ Rgb operator()(int row, int column) const {
        const float *m = plate.warp;
        float depth = along(m + 6, row, column);
        // what lies outside the picture repeats its border; fmaxf also ends a 0 / 0
        float x = fminf(fmaxf(along(m, row, column) / depth, 0.f), plate.picture.width - 1.f);
        float y = fminf(fmaxf(along(m + 3, row, column) / depth, 0.f), plate.picture.height - 1.f);
        int left = (int)x, top = (int)y;
        int right = clamped(left + 1, 0, plate.picture.width - 1), bottom = clamped(top + 1, 0, plate.picture.height - 1);
        float to_right = x - left, to_bottom = y - top;
        Rgb sum = {0.f, 0.f, 0.f};
        add(sum, (1.f - to_bottom) * (1.f - to_right), pixel_at(plate.picture, top, left));
        add(sum, (1.f - to_bottom) * to_right, pixel_at(plate.picture, top, right));
        add(sum, to_bottom * (1.f - to_right), pixel_at(plate.picture, bottom, left));
        add(sum, to_bottom * to_right, pixel_at(plate.picture, bottom, right));
        return rounded(sum);
    }
};

// tensor: (gridDim.z, 3, height, width) float RGB in 0..1; black where a row has no plate
extern "C" __global__ void plates(const Plate *rows, float *tensor, int height, int width) {
    int x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    if (x >= width || y >= height)
        return;
    const Plate &plate = rows[blockIdx.z];
    Rgb pixel = {0.f, 0.f, 0.f};
    if (plate.height > 0)
        pixel = resized(Rectified{plate}, taps(y, plate.height, height), taps(x, plate.width, width));
    store(tensor + (size_t)blockIdx.z * 3 * height * width, height, width, y, x, pixel);
}
