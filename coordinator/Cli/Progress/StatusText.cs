using System.Globalization;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>The words and numbers in which a job's state is told.</summary>
internal static class StatusText
{
    private const double HighRate = 100;

    public static string State(JobStatus status) => status.State.ToString().ToLowerInvariant();

    /// <summary>Whether the job has made a step itself: one that it went on from has no numbers here.</summary>
    public static bool HasStep(JobStatus status) => status.Step > status.ResumedStep;

    public static string Loss(double loss) => loss.ToString("0.0000", CultureInfo.InvariantCulture);

    public static string Rate(double learningRate) => learningRate.ToString("0.00e+0", CultureInfo.InvariantCulture);

    public static string TokensPerSecond(double rate) => rate.ToString(rate < HighRate ? "0.0" : "#,0", CultureInfo.InvariantCulture);

    /// <summary>"45 s", "3:07" or "2:03:07".</summary>
    public static string Duration(double seconds)
    {
        var time = TimeSpan.FromSeconds(double.IsFinite(seconds) ? Math.Round(Math.Clamp(seconds, 0, TimeSpan.FromDays(999).TotalSeconds)) : 0);
        if (time.TotalMinutes < 1)
        {
            return $"{time.Seconds} s";
        }

        return time.TotalHours < 1 ? $"{time.Minutes}:{time.Seconds:00}" : $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}";
    }

    public static string Layers(WorkerAccount worker) =>
        worker.FirstLayer == worker.LastLayer ? $"{worker.FirstLayer}" : $"{worker.FirstLayer} to {worker.LastLayer}";

    /// <summary>Who waits for whom in the step that is under way; empty: nobody says that it waits.</summary>
    public static string Waiting(JobStatus status)
    {
        var waits = status.Workers.Where(worker => worker.Waits).Select(worker => $"{worker.Worker}: {worker.Activity}").ToList();
        return waits.Count == 0 ? "" : $"step {Math.Min(status.Step + 1, status.StepsPlanned)}/{status.StepsPlanned} stands still  {string.Join("; ", waits)}";
    }

    /// <summary>One line on the newest step.</summary>
    public static string Step(JobStatus status)
    {
        var numbers = status.Skipped ? "skipped" : $"loss {Loss(status.Loss)}  grad norm {Loss(status.GradNorm)}";
        return $"step {status.Step}/{status.StepsPlanned}  {numbers}  lr {Rate(status.LearningRate)}  "
            + $"{TokensPerSecond(status.TokensPerSecond)} tokens/s  {Duration(status.EtaSeconds)} left";
    }
}
