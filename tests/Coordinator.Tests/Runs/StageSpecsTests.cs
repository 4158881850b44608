using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class StageSpecsTests : IDisposable
{
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Stage_OfAnAdamwJob_CarriesEveryValueOfTheJob()
    {
        var stage = await StageAsync(
            "training={seed: 7, reduction_slots: 4, micro_batch_size: 2, global_batch_size: 8, max_steps: 2, max_grad_norm: 0.5, weight_decay: 0.25, adam_beta1: 0.75, adam_beta2: 0.875, adam_epsilon: 1.0e-4}",
            "quantization={type: fp4, block_size: 128, double_quant: false, compute_dtype: bfloat16}");

        Assert.Equal(
            new OptimizerSpec { Kind = OptimizerKind.Adamw, Beta1 = 0.75, Beta2 = 0.875, Epsilon = 1.0e-4, WeightDecay = 0.25, MaxGradNorm = 0.5 },
            stage.Optimizer);
        Assert.Equal(new QuantizationSpec { Type = QuantizationType.Fp4, BlockSize = 128, DoubleQuant = false }, stage.Quantization);
        Assert.Equal(
            new NumericConstants { ComputeDtype = DType.Bf16, ReductionSlots = 4, ChunkElements = 65_536, LossChunkTokens = 1_024, AttentionBlock = 512, Seed = 7 },
            stage.Constants);
        // Two samples of 8 tokens.
        Assert.Equal(16U, stage.MaxMicroBatchTokens);
        Assert.True(stage.Training);
    }

    [Fact]
    public async Task Stage_OfAnSgdJob_CarriesTheMomentum()
    {
        var stage = await StageAsync("training.optimizer=sgd", "training.momentum=0.625");

        Assert.Equal((OptimizerKind.Sgd, 0.625), (stage.Optimizer.Kind, stage.Optimizer.Momentum));
    }

    [Theory]
    [InlineData("none", Recompute.None)]
    [InlineData("auto", Recompute.None)]
    [InlineData("full", Recompute.Full)]
    public async Task Recompute_OfTheJob_IsToldToTheWorker(string choice, Recompute expected) =>
        Assert.Equal(expected, (await StageAsync($"training.recompute={choice}")).Recompute);

    [Theory]
    [InlineData("auto", true, DType.Bf16)]
    [InlineData("auto", false, DType.F32)]
    [InlineData("float32", true, DType.F32)]
    [InlineData("bfloat16", false, DType.Bf16)]
    public async Task ComputeDtype_OfTheJob_IsTheWorkersOnlyWhereItIsAuto(string choice, bool fast, DType expected)
    {
        var worker = FakeWorkers.Worker(0, FakeWorkers.Class) with { FastBfloat16 = fast };

        Assert.Equal(expected, (await StageAsync(new FakeWorkers(1) { Fleet = new FleetSnapshot(1, [worker]) }, $"quantization.compute_dtype={choice}")).Constants.ComputeDtype);
    }

    [Theory]
    [InlineData("none", false)]
    [InlineData("nf4", true)]
    public async Task Base_OfTheStage_IsQuantizedAsTheJobSays(string type, bool quantized)
    {
        var stage = await StageAsync($"quantization.type={type}");

        Assert.Equal(quantized ? QuantizationType.Nf4 : QuantizationType.None, stage.Quantization.Type);
        Assert.Equal(quantized, stage.Base.Any(slice => slice.Quantize));
    }

    [Fact]
    public async Task Base_OfTheStage_LeavesTheSkippedModulesInSixteenBits()
    {
        var stage = await StageAsync("quantization.skip_modules=[q_proj, model.layers.1.mlp]");

        Assert.DoesNotContain(stage.Base, slice => slice.Quantize && (slice.Name.EndsWith("q_proj.weight", StringComparison.Ordinal) || slice.Name.StartsWith("model.layers.1.mlp", StringComparison.Ordinal)));
        Assert.Contains(stage.Base, slice => slice.Quantize && slice.Name == "model.layers.0.mlp.up_proj.weight");
    }

    [Theory]
    [InlineData("*.q_proj")]
    [InlineData("q_proj(")]
    public async Task Preparation_OfAPatternThatIsNone_IsRefusedByKeyAndPattern(string pattern)
    {
        var refusal = await Assert.ThrowsAsync<InvalidInputException>(() => _job.MaterialAsync(_job.Request($"quantization.skip_modules=['{pattern}']")));

        Assert.StartsWith("quantization.skip_modules: ", refusal.Message, StringComparison.Ordinal);
        Assert.Contains(pattern, refusal.Message, StringComparison.Ordinal);
    }

    private Task<StageSpec> StageAsync(params string[] set) => StageAsync(new FakeWorkers(1), set);

    private async Task<StageSpec> StageAsync(FakeWorkers workers, params string[] set)
    {
        var request = _job.Request(set);
        var run = new PureRun(await _job.MaterialAsync(request), request, workers);
        run.Submit();
        return run.Sent.Select(message => message.Message.LoadStage).First(load => load is not null).Stage;
    }
}
