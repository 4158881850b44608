using Orchestrator.Coordinator.Models;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>A worker reads its own stage's bytes of the model files and no others.</summary>
public sealed class BaseBytesTests
{
    [Fact]
    public void Train_TwoStages_EachReadsItsOwnLayersOnly()
    {
        using var folder = new TemporaryFolder();
        string fixture = Repository.Fixture("training", "nf4-adamw-linear");
        var run = new LayoutRun(Path.Combine(fixture, "job.yaml"), folder["out"], 1, 2, "training.max_steps=1");
        var tensors = SafetensorsHeader.Read(Path.Combine(fixture, "base", "model.safetensors")).Tensors;
        var adapter = SafetensorsHeader.Read(Path.Combine(fixture, "init", "adapter_model.safetensors")).Tensors;
        Assert.NotEmpty(adapter);
        foreach (var worker in run.Workers)
        {
            int first = worker.GetProperty("layers")[0].GetInt32();
            int last = worker.GetProperty("layers")[1].GetInt32();
            bool head = worker.GetProperty("stage").GetInt32() == 1;
            long own = tensors.Where(tensor => IsOwn(tensor.Name, first, last, head)).Sum(tensor => (long)tensor.Length);
            Assert.Equal(own, worker.GetProperty("base_bytes_read").GetInt64());
        }
    }

    private static bool IsOwn(string name, int first, int last, bool head)
    {
        if (name.StartsWith("model.layers.", StringComparison.Ordinal))
        {
            int layer = int.Parse(name.Split('.')[2]);
            return layer >= first && layer <= last;
        }

        return name.StartsWith("model.embed_tokens", StringComparison.Ordinal) ? !head : head;
    }
}
