using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Coordinator.Api;

/// <summary>The three secrets of a coordinator: what admits workers, what an admitted worker shows from then on, and what users show.</summary>
/// <remarks>Compared in constant time. Of an embedded cluster they are random and live as long as the run.</remarks>
internal sealed record AccessTokens(string JoinToken, string WorkerCredential, string UserToken)
{
    private const int SecretBytes = 32;

    public static AccessTokens Random() => new(Secret(), Secret(), Secret());

    /// <summary>Whether an attach request may be admitted: by the join token, or by the credential of an earlier attach.</summary>
    public bool AdmitsWorker(string token) => Same(token, JoinToken) || Same(token, WorkerCredential);

    public static bool Same(string given, string expected) =>
        CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(expected)));

    private static string Secret() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));
}
