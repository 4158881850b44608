// Two at a time: a short command computes on one processor for most of its life. What uses all of them is in AllProcessors.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.Collections, MaxThreads = 2)]
