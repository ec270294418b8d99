package trainer

// LogCapacity is for tests.
const LogCapacity = logCapacity

// SlowPart is for tests.
var SlowPart = &slowPart
