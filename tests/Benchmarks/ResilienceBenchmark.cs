using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Orchestrator.Chaos;

namespace Orchestrator.Benchmarks;

/// <summary>What votes, history and mirror cost on a step's path: whole trainings of the 110M shape on two workers, with and without mirrors.</summary>
/// <remarks>
/// Real processes, a compute thread each, so that two cores carry both. A worker's own account of its steps is read from run.log. On the path is what its compute thread
/// itself does for votes, history and mirror, and its wait for a mirror that has not arrived; that another worker's vote is still to come is that one's computation, and counted as wait.
/// </remarks>
internal sealed partial class ResilienceBenchmark(BenchmarkOptions options)
{
    private const double MostShare = 0.02;
    private const int SampleTokens = 512;
    private const int GlobalBatch = 4;

    /// <summary>Prints a line a worker; false: on one of them the share is over its limit.</summary>
    public bool Run()
    {
        using var model = StepWorkload.Model110M();
        var folder = Directory.CreateTempSubdirectory("resilience-");
        try
        {
            WriteData(Path.Combine(folder.FullName, "train.jsonl"));
            Console.WriteLine("layout  resilience  worker      step s   vote s  history s  mirror s   wait s  share of the step");
            var most = 0.0;
            foreach (var (replicas, stages) in ((int, int)[])[(1, 2), (2, 1)])
            {
                foreach (var resilience in (string[])["mirror", "checkpoint"])
                    most = Math.Max(most, Train(model.Folder.Path, folder.FullName, (replicas, stages), resilience));
            }

            Console.WriteLine("On the path: the compute thread's own work for votes and history, and its wait for a mirror; waiting for another worker's vote is waiting for its computation (wait).");
            if (most > MostShare)
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Votes, history and mirror take {most:P2} of a step, at most {MostShare:P0} is due."));
            return most <= MostShare;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // The largest share of its workers.
    private double Train(string model, string folder, (int Replicas, int Stages) layout, string resilience)
    {
        var output = Path.Combine(folder, $"{layout.Replicas}x{layout.Stages}-{resilience}");
        var job = Path.Combine(folder, "job.yaml");
        File.WriteAllText(job, $$"""
            name: resilience
            model: {{model}}
            data: {train: train.jsonl, format: tokens, max_length: {{SampleTokens}}}
            training: {max_steps: {{options.Steps + 1}}, global_batch_size: {{GlobalBatch}}, eval_steps: 1000, save_steps: 1000}
            layout: {replicas: {{layout.Replicas}}, stages: {{layout.Stages}}}
            resilience: {{resilience}}
            resources: {compute_threads: 1, numeric_class: {{options.NumericClass ?? "auto"}}}
            """);
        using (var train = Process.Start(new ProcessStartInfo(Repository.Coordinator, ["train", job, "--workers", "2", "--out", output]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!)
        {
            var (printed, errors) = (train.StandardOutput.ReadToEndAsync(), train.StandardError.ReadToEndAsync());
            train.WaitForExit();
            if (train.ExitCode != 0)
                throw new InvalidOperationException($"train ended with {train.ExitCode}: {printed.Result}{errors.Result}");
        }

        var accounts = Account().Matches(File.ReadAllText(Path.Combine(output, "run.log"))).ToList();
        if (accounts.Count != 2)
            throw new InvalidOperationException($"run.log holds the accounts of {accounts.Count} workers where 2 were due");
        return accounts.Max(account => Print(account, layout, resilience));
    }

    private static double Print(Match account, (int Replicas, int Stages) layout, string resilience)
    {
        var phases = Phase().Matches(account.Groups["phases"].Value).ToDictionary(phase => phase.Groups["name"].Value, phase => Number(phase.Groups["seconds"].Value));
        var step = Number(account.Groups["step"].Value);
        var share = (phases["vote"] + phases["history"] + phases["mirror"]) / step;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{layout.Replicas}x{layout.Stages}     {resilience,-10}  {account.Groups["worker"].Value}  {step,8:F4}  {phases["vote"],7:F5}  {phases["history"],9:F5}  {phases["mirror"],8:F5}  {phases["wait"],7:F4}  {share:P3}"));
        return share;
    }

    private static void WriteData(string path)
    {
        var samples = Enumerable.Range(0, 4 * GlobalBatch).Select(sample => Enumerable.Range(0, SampleTokens).Select(i => ((sample * SampleTokens) + i) * 7919L % 32_000).ToArray());
        File.WriteAllLines(path, samples.Select(ids => JsonSerializer.Serialize(new { input_ids = ids, labels = ids })));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("(?<worker>worker-[0-9]+): Job [^ ]+: generation 1: [0-9]+ steps after the first took (?<step>[0-9.]+) s each: (?<phases>.*)", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Account();

    [GeneratedRegex("(?<name>[a-z]+) (?<seconds>[0-9.]+) s", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Phase();
}
