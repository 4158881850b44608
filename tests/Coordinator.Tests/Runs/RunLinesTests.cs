using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class RunLinesTests
{
    private static readonly Timestamp Time = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));

    public static TheoryData<double> NotFinite => [double.NaN, double.PositiveInfinity, double.NegativeInfinity];

    [Theory]
    [MemberData(nameof(NotFinite))]
    public void Metrics_EvaluationThatIsNotFinite_HasNull(double loss) =>
        Assert.Equal("""{"step":7,"eval_loss":null,"eval_label_tokens":12}""", RunLines.Metrics(new StepEvaluated { Time = Time, Step = 7, Loss = loss, LabelTokens = 12 }));

    [Theory]
    [MemberData(nameof(NotFinite))]
    public void Metrics_StepWhoseNumbersAreNotFinite_HasNulls(double value)
    {
        var step = new StepCommitted
        {
            Time = Time,
            Step = 7,
            Applied = true,
            Epoch = value,
            Loss = value,
            GradNorm = value,
            LearningRate = value,
            LabelTokens = 12,
            Tokens = 16,
            StepSeconds = value,
        };

        using var line = JsonDocument.Parse(RunLines.Metrics(step)!);

        Assert.Equal(
            ["epoch", "loss", "grad_norm", "learning_rate", "step_seconds"],
            line.RootElement.EnumerateObject().Where(property => property.Value.ValueKind == JsonValueKind.Null).Select(property => property.Name));
        Assert.Equal(12, line.RootElement.GetProperty("label_tokens").GetInt32());
    }

    [Fact]
    public void Metrics_StepThatTookNoTimeAtAll_HasASpeedThatJsonCanHold()
    {
        using var line = JsonDocument.Parse(RunLines.Metrics(new StepCommitted { Time = Time, Step = 7, Applied = true, Tokens = 16, StepSeconds = double.Epsilon })!);

        Assert.Equal(JsonValueKind.Null, line.RootElement.GetProperty("tokens_per_second").ValueKind);
    }
}
