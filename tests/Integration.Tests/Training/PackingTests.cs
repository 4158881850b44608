using System.Globalization;
using Orchestrator.Integration.Tests.Layouts;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Training;

/// <summary>
/// Samples beside each other in a sequence do not see each other, and a job in fp32 sums its gradients in fp64: packing changes the micro-batches and not one bit. A sum in another order shows in step 3, and
/// has grown to a percent of the loss by step 50. ORCHESTRATOR_PACKING_STEPS makes it longer than the suite's run.
/// </summary>
public sealed class PackingTests
{
    [Fact]
    public void Train_PackedAndUnpacked_GiveTheSameLosses()
    {
        using var folder = new TemporaryFolder();
        var steps = int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_PACKING_STEPS"), CultureInfo.InvariantCulture, out var given) ? given : 12;
        // The learning rates of the whole run, of which these are the first steps.
        string[] set = ["quantization.compute_dtype=float32", "training.lr_scheduler=constant", "training.warmup_steps=15", $"training.max_steps={steps}", "data.eval=null"];
        var packed = new LayoutRun(Repository.Sample("orders.yaml"), folder["packed"], 1, 1, [.. set, "data.packing=true"]);
        var unpacked = new LayoutRun(Repository.Sample("orders.yaml"), folder["unpacked"], 1, 1, [.. set, "data.packing=false", "training.micro_batch_size=2"]);
        Assert.Equal((4 * steps, 8 * steps), (MicroBatches(packed), MicroBatches(unpacked)));
        Assert.Equal(steps, packed.Output.Steps.Count);
        Assert.All(packed.Output.Steps.Zip(unpacked.Output.Steps, (first, second) => (First: first, Second: second)), pair =>
        {
            Assert.Equal((pair.First.Step, pair.First.LabelTokens), (pair.Second.Step, pair.Second.LabelTokens));
            Assert.Equal((pair.First.Loss, pair.First.GradNorm), (pair.Second.Loss, pair.Second.GradNorm));
        });
    }

    private static int MicroBatches(LayoutRun run) => run.Workers.Single().GetProperty("micro_batches_run").GetInt32();
}
