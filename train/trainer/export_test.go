package trainer

// LogCapacity is for tests.
const LogCapacity = logCapacity
