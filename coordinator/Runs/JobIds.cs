using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Names of jobs: equal for equal idempotency keys, else random; fit for paths, URLs and metric labels.</summary>
internal static class JobIds
{
    private const string Prefix = "job-";
    private const int IdBytes = 6;

    /// <summary>Whether a name is one of a job, and not of a command that computes on a worker of its own.</summary>
    public static bool IsOne(string name) => name.StartsWith(Prefix, StringComparison.Ordinal);

    public static string For(SubmitJobRequest request)
    {
        Span<byte> id = stackalloc byte[IdBytes];
        if (request.IdempotencyKey.Length == 0)
        {
            RandomNumberGenerator.Fill(id);
        }
        else
        {
            SHA256.HashData(Encoding.UTF8.GetBytes(request.IdempotencyKey)).AsSpan(0, IdBytes).CopyTo(id);
        }

        return string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Convert.ToHexStringLower(id)}");
    }
}
