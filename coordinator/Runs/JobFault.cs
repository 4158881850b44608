using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a user is told of an error of the program; the exception itself goes to the log.</summary>
internal static class JobFault
{
    /// <param name="what">What failed and when, to begin the sentence with.</param>
    /// <param name="fault">The error.</param>
    public static string Sentence(string what, Exception fault) => $"{what} by an error of the program: {ForeignText.FirstSentence(fault.Message)}";
}
