using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Chaos;

/// <summary>Runs plans of faults one after the other, for as long as asked.</summary>
/// <param name="seed">Makes the plans.</param>
/// <param name="length">No run begins after it.</param>
/// <param name="faults">A run.</param>
/// <param name="kinds">What may be done.</param>
/// <param name="apart">A fault waits until the job has got over the one before.</param>
/// <param name="layouts">Taken in turn, e.g. "2x1+1".</param>
/// <param name="steps">Of each run.</param>
/// <param name="jobFile">The job.</param>
internal sealed class ChaosCommand(int seed, TimeSpan length, int faults, IReadOnlyList<FaultKind> kinds, bool apart, IReadOnlyList<string> layouts, int steps, string jobFile)
{
    /// <summary>The adapter does not depend on the layout, so one quiet run is the measure for all.</summary>
    /// <param name="cancellationToken">Ends the run that is under way, its workers and its files.</param>
    /// <returns>0: every run was as if undisturbed; 1: one was not, or could not be done; 3: interrupted.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        string folder = Directory.CreateTempSubdirectory("chaos-").FullName;
        var (runs, failed) = (0, 0);
        try
        {
            var quiet = ChaosRun.Quiet(Repository.Coordinator, JobOf("1x1"), Path.Combine(folder, "quiet"), cancellationToken);
            Console.WriteLine(ChaosTable.Head);
            long started = Stopwatch.GetTimestamp();
            for (; runs == 0 || Stopwatch.GetElapsedTime(started) < length; runs++)
            {
                var next = JobOf(layouts[runs % layouts.Count]);
                var plan = Fault.Plan(new Random(HashCode(seed, runs)), faults, kinds, next.Workers, steps, apart);
                var outcome = await ChaosRun.DisturbedAsync(Repository.Coordinator, Repository.Worker, next, plan, Path.Combine(folder, $"run-{runs}"), cancellationToken);
                var differences = outcome.Differences(quiet);
                failed += differences.Count == 0 ? 0 : 1;
                foreach (string line in ChaosTable.Lines(outcome, differences))
                {
                    Console.WriteLine(line);
                }

                if (differences.Count > 0)
                {
                    Console.WriteLine(outcome.Text);
                }
            }
        }
        catch (OperationCanceledException)
        {
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Interrupted after {runs} runs, {failed} of which differ."));
            return 3;
        }
        catch (ChaosException problem)
        {
            Console.Error.WriteLine($"error: {problem.Message}");
            return 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: {runs} runs, {failed} differ"));
        return failed == 0 ? 0 : 1;
    }

    // Of its own for each run, whatever the runs before took from theirs.
    private static int HashCode(int seed, int run) => unchecked((seed * 1_000_003) + run);

    private ChaosJob JobOf(string layout)
    {
        int[] numbers = [.. layout.Split('x', '+').Select(part => int.Parse(part, CultureInfo.InvariantCulture))];
        return new ChaosJob(jobFile, numbers[0], numbers[1], numbers.ElementAtOrDefault(2), [$"training.max_steps={steps}", "training.eval_steps=0.5", "resources.compute_threads=1", "training.micro_batch_tokens=512"]) { Apart = apart };
    }
}
