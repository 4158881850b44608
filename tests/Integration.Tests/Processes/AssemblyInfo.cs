// Three at a time, whatever their class: processes start and wait for most of a short test's life. What must be alone is in Alone.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.All, MaxThreads = 3)]
