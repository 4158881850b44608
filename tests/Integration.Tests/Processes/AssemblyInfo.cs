// Three at a time: processes start and wait for most of a short test's life. What must be alone is in Alone.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 3)]
