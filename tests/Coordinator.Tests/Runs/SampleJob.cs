using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>A small job on the sample model, in a folder of its own.</summary>
internal sealed class SampleJob : IDisposable
{
    private const string Sample = """{"input_ids":[0,2,479,268,202,1428,296,3],"labels":[-100,-100,-100,-100,202,1428,296,3]}""";

    public SampleJob()
    {
        Directory.CreateDirectory(Folder.Path);
        File.WriteAllLines(Path.Combine(Folder.Path, "train.jsonl"), Enumerable.Repeat(Sample, 64));
        File.WriteAllLines(Path.Combine(Folder.Path, "eval.jsonl"), Enumerable.Repeat(Sample, 6));
    }

    public TemporaryFolder Folder { get; } = new();

    public string Output => Path.Combine(Folder.Path, "out");

    /// <summary>The request, with 40 steps of 8 samples each, every sample its own micro-batch.</summary>
    public SubmitJobRequest Request(params string[] set) => new()
    {
        Document = $"""
            name: sample
            model: {Path.Combine(Fixtures.Repository, "coordinator", "samples", "tiny-llama")}
            data: {"{"}train: train.jsonl, eval: eval.jsonl, format: tokens, packing: false{"}"}
            training: {"{"}max_steps: 40, global_batch_size: 8, micro_batch_size: 1, eval_steps: 20{"}"}
            output: out
            """,
        DocumentName = "sample.yaml",
        BaseFolder = Folder.Path,
        CurrentFolder = Folder.Path,
        Set = { set },
    };

    /// <summary>What a job's preparation reads.</summary>
    public async Task<JobMaterial> MaterialAsync(SubmitJobRequest request)
    {
        var read = JobRequests.Read(request);
        Assert.Empty(read.Errors);
        return await JobPreparation.RunAsync(
            read.Spec!, Path.Combine(Folder.Path, "data"), new Progress<string>(), TestContext.Current.CancellationToken);
    }

    public void Dispose() => Folder.Dispose();
}
