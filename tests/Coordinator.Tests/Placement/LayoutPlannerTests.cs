using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Placement;

/// <summary>Layouts and the reasons why there is none.</summary>
public class LayoutPlannerTests
{
    private static readonly NumericClass Avx2 = new() { Backend = "cpu", InstructionPath = "avx2", Libtorch = "2.10.0", Kernels = "1", Threads = 1 };
    private static readonly NumericClass Avx512 = new() { Backend = "cpu", InstructionPath = "avx512", Libtorch = "2.10.0", Kernels = "1", Threads = 1 };

    [Theory]
    [InlineData(1, 8, 16, 1, 0)]
    [InlineData(3, 8, 16, 3, 0)]
    [InlineData(8, 5, 16, 4, 4)]
    [InlineData(8, 100, 2, 2, 6)]
    [InlineData(8, 1, 16, 1, 7)]
    public void Plan_Automatic_UsesAsManyReplicasAsHaveWork(int workers, int microBatches, int slots, int replicas, int spares)
    {
        var result = LayoutPlanner.Plan(Request(null, workers, microBatches, slots));
        Assert.Equal((replicas, 1, spares), (result.Layout!.Replicas, result.Layout.NumStages, result.Layout.Spares.Count));
    }

    [Property]
    public bool Plan_AnyExplicitLayout_CoversEveryLayerOncePerReplica(byte replicas, byte stages, byte layers)
    {
        var layout = new LayoutSpec { Replicas = 1 + (replicas % 16), Stages = 1 + (stages % 8) };
        var result = LayoutPlanner.Plan(Request(layout, layout.Replicas * layout.Stages, 64, layers: layers + 1));
        if (layout.Stages > layers + 1)
        {
            return result is { Layout: null, Waits: false };
        }

        return result.Layout!.Stages.Select((stage, rank) => stage.Rank == rank && stage.WorkerId == $"w{rank}").All(equal => equal)
            && result.Layout.Stages.GroupBy(stage => stage.Replica).All(replica =>
                replica.SelectMany(stage => Enumerable.Range(stage.FirstLayer, stage.LastLayer - stage.FirstLayer + 1)).SequenceEqual(Enumerable.Range(0, layers + 1))
                && replica.Max(stage => stage.LastLayer - stage.FirstLayer) - replica.Min(stage => stage.LastLayer - stage.FirstLayer) <= 1
                && replica.First().Embedding && replica.Last().Head && replica.Count(stage => stage.Embedding) == 1 && replica.Count(stage => stage.Head) == 1);
    }

    [Fact]
    public void Plan_GivenLayers_AreTaken()
    {
        var result = LayoutPlanner.Plan(Request(new LayoutSpec { Replicas = 1, Stages = 2, Layers = [5, 1] }, 3, 8, layers: 6));
        Assert.Equal([(0, 4), (5, 5)], result.Layout!.Stages.Select(stage => (stage.FirstLayer, stage.LastLayer)));
        Assert.Equal(["w2"], result.Layout.Spares);
        Assert.Equal("1 replica of 2 stages on 2 workers of cpu/avx2/libtorch-2.10.0/kernels-1/threads-1.", result.Reason);
    }

    /// <summary>Workers that the run starts by itself are not a person's to start.</summary>
    [Theory]
    [InlineData(null, 0, "2 workers of CLASS are attached; start 1 more.")]
    [InlineData(3, 0, "2 workers of CLASS are attached; 1 more is starting.")]
    [InlineData(4, 1, "2 workers of CLASS are attached; 1 more is starting.")]
    [InlineData(3, 1, "2 workers of CLASS are attached; the others of this run are of another class.")]
    [InlineData(2, 0, "2 workers of CLASS are attached; this run starts 2 and no more, so start it with --workers 3.")]
    public void Plan_TooFewWorkers_SaysWhatBringsTheOthers(int? maxWorkers, int others, string reason)
    {
        var request = Request(new LayoutSpec { Replicas = 3, Stages = 1 }, 2, 8) with { MaxWorkers = maxWorkers };
        var result = LayoutPlanner.Plan(request with { Workers = [.. request.Workers, .. Enumerable.Range(0, others).Select(i => new CandidateWorker($"other-{i}", Avx512))] });
        Assert.True(result is { Layout: null, Waits: true });
        Assert.Equal($"The job needs 3 workers of one numeric class and {reason.Replace("CLASS", "cpu/avx2/libtorch-2.10.0/kernels-1/threads-1", StringComparison.Ordinal)}", result.Reason);
    }

    [Theory]
    [InlineData(1, 7, 16, "layout.stages is 7, but the model has only 4 layers; a stage needs at least one.")]
    [InlineData(4, 1, 2, "layout.replicas is 4, but a job has at most training.reduction_slots = 2 replicas; lower the one or raise the other.")]
    public void Plan_ImpossibleLayout_IsRefusedForGood(int replicas, int stages, int slots, string reason)
    {
        var result = LayoutPlanner.Plan(Request(new LayoutSpec { Replicas = replicas, Stages = stages }, 100, 8, slots, layers: 4));
        Assert.Equal((null, false, reason), (result.Layout, result.Waits, result.Reason));
        Assert.Equal(FindingSeverity.Error, result.Findings[0].Severity);
    }

    [Fact]
    public void Plan_LayersThatDoNotAddUp_AreRefused()
        => Assert.Equal("layout.layers adds up to 3, but the model has 4 layers.", LayoutPlanner.Plan(Request(new LayoutSpec { Replicas = 1, Stages = 2, Layers = [2, 1] }, 2, 8, layers: 4)).Reason);

    [Fact]
    public void Plan_TooFewWorkers_Waits()
    {
        var result = LayoutPlanner.Plan(Request(new LayoutSpec { Replicas = 2, Stages = 2 }, 3, 8));
        Assert.Null(result.Layout);
        Assert.True(result.Waits);
        Assert.StartsWith("The job needs 4 workers of one numeric class and 3 workers of cpu/avx2", result.Reason, StringComparison.Ordinal);
        Assert.Equal("The job waits for a worker; none is attached.", LayoutPlanner.Plan(Request(null, 0, 8)).Reason);
    }

    [Fact]
    public void Plan_AskedForWorkers_WaitsUntilTheyAreThere()
    {
        var request = Request(null, 3, 8);
        request = request with { Job = request.Job with { Resources = DefaultJob.Resources with { Workers = 4 } } };
        Assert.True(LayoutPlanner.Plan(request).Waits);
        request = request with { Job = request.Job with { Resources = DefaultJob.Resources with { Workers = 2 } } };
        Assert.Equal(2, LayoutPlanner.Plan(request).Layout!.Replicas);
    }

    [Fact]
    public void Plan_SeveralClasses_UsesOne()
    {
        var request = Request(null, 0, 8) with { Workers = [new("a", Avx512), new("b", Avx2), new("c", Avx2)] };
        var result = LayoutPlanner.Plan(request);
        Assert.Equal(["b", "c"], result.Layout!.Stages.Select(stage => stage.WorkerId));
        Assert.Contains(result.Findings, finding => finding is { Code: "other-class", Severity: FindingSeverity.Warning });
        Assert.Equal(["a"], LayoutPlanner.Plan(request with { RequiredClass = Avx512 }).Layout!.Stages.Select(stage => stage.WorkerId));

        var waits = LayoutPlanner.Plan(request with { Workers = [new("b", Avx2)], RequiredClass = Avx512 });
        Assert.True(waits.Waits);
        Assert.Equal(
            "The job waits for a worker of the job's numeric class cpu/avx512/libtorch-2.10.0/kernels-1/threads-1; the attached ones are of cpu/avx2/libtorch-2.10.0/kernels-1/threads-1.",
            waits.Reason);
        Assert.Equal("a", LayoutPlanner.Plan(request with { Job = request.Job with { Resources = DefaultJob.Resources with { NumericClass = "avx512" } } }).Layout!.Stages[0].WorkerId);
        Assert.Null(LayoutPlanner.Plan(request with { Job = request.Job with { Resources = DefaultJob.Resources with { ComputeThreads = 2 } } }).Layout);
    }

    [Fact]
    public void Document_OfAPlan_HasTheFieldsOfTheInterface()
    {
        var result = LayoutPlanner.Plan(Request(new LayoutSpec { Replicas = 1, Stages = 2 }, 3, 8, layers: 4));
        var document = PlanDocument.Create("abc", 16, Recompute.None, null, result);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"replicas":1,"stages":2}"""), document["layout"]));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"replica":0,"stage":1,"worker":"w1","first_layer":2,"last_layer":3,"embedding":false,"head":true}"""), document["stages"]![1]));
        Assert.Equal("""["w2"]""", document["spares"]!.ToJsonString());
        Assert.Equal("none", (string?)document["recompute"]);
        Assert.Equal("spares", (string?)document["findings"]![0]!["code"]);

        var refused = PlanDocument.Create("abc", 16, Recompute.Full, null, LayoutPlanner.Plan(Request(null, 0, 8)));
        Assert.True(refused.ContainsKey("layout") && refused["layout"] is null);
        Assert.Equal("error", (string?)refused["findings"]![0]!["severity"]);
    }

    private static LayoutRequest Request(LayoutSpec? layout, int workers, int microBatches, int slots = 16, int layers = 6) => new()
    {
        Job = DefaultJob.Spec with { Data = DefaultJob.Data with { Train = ["/t"] }, Layout = layout, Training = DefaultJob.Training with { ReductionSlots = slots } },
        NumLayers = layers,
        MaxMicroBatchesPerStep = microBatches,
        Workers = [.. Enumerable.Range(0, workers).Select(i => new CandidateWorker($"w{i}", Avx2))],
    };
}
