using System.Globalization;
using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Stages;

/// <summary>One thing a stage does in a step: the forward or the backward of one of its replica's micro-batches.</summary>
/// <param name="IsForward">Forward, else backward.</param>
/// <param name="MicroBatch">Position in the replica's list of micro-batches.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PipelineAction(bool IsForward, int MicroBatch)
{
    public static PipelineAction Forward(int microBatch) => new(true, microBatch);

    public static PipelineAction Backward(int microBatch) => new(false, microBatch);

    /// <summary>Reads what <see cref="ToString"/> prints.</summary>
    /// <exception cref="FormatException">It is no action.</exception>
    public static PipelineAction Parse(ReadOnlySpan<char> text) =>
        text.Length > 1 && text[0] is 'F' or 'B' && int.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var microBatch)
            ? new PipelineAction(text[0] == 'F', microBatch)
            : throw new FormatException($"'{text}' is no pipeline action: F0 or B3 would be.");

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(IsForward ? 'F' : 'B')}{MicroBatch}");
}
