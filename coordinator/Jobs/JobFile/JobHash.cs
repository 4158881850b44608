using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>What makes two jobs the same job: everything that its numbers depend on.</summary>
/// <remarks>Layout, workers, name, output and how often is saved are left out, and paths are replaced by the content they lead to, so that a moved folder is still the same job.</remarks>
internal static class JobHash
{
    /// <summary>Lower-case hex SHA-256 of the spec's numeric part and of the contents it names.</summary>
    /// <param name="job">The job.</param>
    /// <param name="contents">Digests of base model, data shards and initial adapter, in that order.</param>
    public static string Compute(JobSpec job, IEnumerable<string> contents)
    {
        var training = job.Training with { SaveSteps = 0, SaveTotalLimit = 0, MaxSkippedSteps = 0, Recompute = RecomputeChoice.Auto };
        // What these lead to is in the data shards already.
        var data = job.Data with
        {
            Train = [],
            Eval = [],
            Format = DataFormat.Auto,
            Fields = ValueMap<string>.Empty,
            ChatTemplate = null,
            LossOn = LossOn.Auto,
            Clock = null,
        };
        var adapter = job.Adapter with { InitFrom = null };
        // Records print every property; the lists and maps in them print through YamlText.
        var text = string.Join('\n', [adapter.ToString(), job.Quantization.ToString(), data.ToString(), training.ToString(), job.Resources.NumericClass ?? "auto", .. contents]);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }
}
