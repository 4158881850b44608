using Orchestrator.Protos;

namespace Orchestrator.Worker.Sessions;

/// <summary>What a worker shows when it attaches: its join token at first, and from then on the credential that it was given.</summary>
/// <remarks>
/// A join token admits until it expires, a credential for as long as the cluster lives, so a stream that breaks late can still be opened again. A
/// cluster that was started anew does not know the credential: it is shown the join token once more. Used by the session alone.
/// </remarks>
internal sealed class AttachToken(string joinToken)
{
    private string? _credential;

    public string Current => _credential ?? joinToken;

    /// <summary>A coordinator has admitted the worker and answered with this.</summary>
    public void Accepted(string credential) => _credential = credential.Length > 0 ? credential : null;

    /// <summary>A coordinator has refused the worker; true: it may be asked again, for now the join token is shown.</summary>
    public bool Refused(ErrorCode code)
    {
        if (code != ErrorCode.Unauthenticated || _credential is null)
            return false;
        _credential = null;
        return true;
    }
}
