using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Why an answer ended.</summary>
internal enum AnswerReason
{
    StopToken,
    StopString,
    Length,
}

/// <summary>The words for it.</summary>
internal static class AnswerReasons
{
    public static AnswerReason Of(AnswerEnd end) => end == AnswerEnd.StopToken ? AnswerReason.StopToken : AnswerReason.Length;

    /// <summary>For people.</summary>
    public static string Text(AnswerReason reason) => reason switch
    {
        AnswerReason.StopToken => "stop token",
        AnswerReason.StopString => "stop string",
        _ => "length",
    };

    /// <summary>For programs.</summary>
    public static string Name(AnswerReason reason) => Text(reason).Replace(' ', '_');
}
