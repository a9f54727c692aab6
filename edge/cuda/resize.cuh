// alpr.imaging.resize, one target pixel at a time: linear, and by area where an axis shrinks to less than half.
// OpenCV's arithmetic down to its rounding: models have been trained on its pictures.
#pragma once

#include "pixels.cuh"

// The source pixels of one axis that make a target pixel: by area those between two edges, linear those about a centre.
struct Taps {
    int first, last;
    float low, high; // by area: the target pixel's edges, in source pixels
    int ahead;       // linear: the weight of `last` in 2048ths; `first` has the rest

    __device__ bool by_area() const { return low < high; }
    __device__ float share(int i) const { return (fminf(i + 1.f, high) - fmaxf((float)i, low)) / (high - low); }
};

__device__ inline Taps only(int i) { return {i, i, 0.f, 0.f, 0}; }

// In whole numbers as far as it goes: exact, and a unit's GPU is slow in double.
__device__ inline Taps taps(int target, int source_size, int target_size) {
    if (source_size > 2 * target_size) {
        float low = (float)(target * source_size) / target_size, high = (float)((target + 1) * source_size) / target_size;
        return {(int)low, clamped((int)ceilf(high) - 1, 0, source_size - 1), low, high, 0};
    }
    int centre = (2 * target + 1) * source_size - target_size, unit = 2 * target_size; // the centre is centre / unit, from -1/2 on
    int first = (centre + unit) / unit - 1, ahead = (int)rintf((centre - first * unit) * 2048.f / unit);
    return {clamped(first, 0, source_size - 1), clamped(first + 1, 0, source_size - 1), 0.f, 0.f, ahead};
}

template <class Source> __device__ inline Rgb by_area(const Source &source, Taps rows, Taps columns) {
    Rgb sum = {0.f, 0.f, 0.f};
    for (int y = rows.first; y <= rows.last; y++)
        for (int x = columns.first; x <= columns.last; x++)
            add(sum, rows.share(y) * columns.share(x), source(y, x));
    return rounded(sum);
}

// Two pixels of a row, weighed in 2048ths, with four bits dropped
__device__ inline int across(float left, float right, int ahead) { return ((int)left * (2048 - ahead) + (int)right * ahead) >> 4; }

__device__ inline float down(int upper, int lower, int ahead) {
    return (float)((((upper * (2048 - ahead)) >> 16) + ((lower * ahead) >> 16) + 2) >> 2);
}

template <class Source> __device__ inline Rgb linear(const Source &source, Taps rows, Taps columns) {
    Rgb a = source(rows.first, columns.first), b = source(rows.first, columns.last);
    Rgb c = source(rows.last, columns.first), d = source(rows.last, columns.last);
    int x = columns.ahead, y = rows.ahead;
    return {
        down(across(a.red, b.red, x), across(c.red, d.red, x), y),
        down(across(a.green, b.green, x), across(c.green, d.green, x), y),
        down(across(a.blue, b.blue, x), across(c.blue, d.blue, x), y),
    };
}

// A picture of which only one axis shrinks: imaging makes that picture first, and resizes it linearly along the other axis.
template <class Source> struct Shrunk {
    const Source &source;
    Taps rows, columns; // the axis that shrinks has its taps here

    __device__ Rgb operator()(int y, int x) const {
        return rows.by_area() ? by_area(source, rows, whole(x)) : by_area(source, whole(y), columns);
    }
    __device__ static Taps whole(int i) { return {i, i, (float)i, i + 1.f, 0}; }
};

// One pixel of the resized picture. `source(y, x)` gives a pixel of the picture that is resized.
template <class Source> __device__ inline Rgb resized(const Source &source, Taps rows, Taps columns) {
    if (rows.by_area() && columns.by_area())
        return by_area(source, rows, columns);
    if (rows.by_area() || columns.by_area())
        return linear(Shrunk<Source>{source, rows, columns}, rows.by_area() ? only(0) : rows, columns.by_area() ? only(0) : columns);
    return linear(source, rows, columns);
}
