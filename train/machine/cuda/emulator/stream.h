// What the emulated driver and the emulated cuDNN share.

#pragma once

#include <functional>
#include <vector>

// Stream is work that nobody has waited for yet.
struct Stream {
    bool capturing = false;
    std::vector<std::function<void()>> queue, graph;
    void add(std::function<void()> work);
    void flush();
};
