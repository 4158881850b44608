using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Checks a request before anything of it is journaled.</summary>
internal static class JobRequests
{
    /// <summary>The job of a request, or every error at once: its document's, and its output folder's.</summary>
    public static JobFileResult Check(SubmitJobRequest request)
    {
        var result = Read(request);
        if (result.Spec is not { } spec)
        {
            return result;
        }

        try
        {
            RunFolder.Check(spec.Output, request.Resume, request.Overwrite);
            return result;
        }
        catch (InvalidInputException refusal)
        {
            return new JobFileResult(null, [refusal.Message], "");
        }
    }

    /// <summary>Reads the request's document; pure.</summary>
    public static JobFileResult Read(SubmitJobRequest request)
    {
        // The request's own output wins: it comes last.
        var output = request.Output.Length == 0 ? Array.Empty<string>() : [$"output='{request.Output.Replace("'", "''", StringComparison.Ordinal)}'"];
        return JobFile.Parse(request.Document, request.DocumentName, request.BaseFolder, [.. request.Set, .. output], request.CurrentFolder);
    }
}
