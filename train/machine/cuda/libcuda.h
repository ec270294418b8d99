// The driver library, loaded at run time.

// LARGESTEP_NO_DRIVER is the status where libcuda.so.1 cannot be loaded.
#define LARGESTEP_NO_DRIVER (-1)

// largestep_driver_status is what cuInit returned; why says in words what was
// wrong with the library.
int largestep_driver_status(const char **why);
