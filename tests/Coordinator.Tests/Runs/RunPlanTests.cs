using System.Text.Json;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>plan.json of a run that was placed: whose plan it is, and that it says what the workers were told.</summary>
public sealed class RunPlanTests : IDisposable
{
    private readonly SampleJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Stages_OfAPlan_AreWhatTheirWorkersWereToldToLoad()
    {
        var run = await RunAsync(5, "layout={replicas: 2, stages: 2}");

        var plan = JsonDocument.Parse(run.Plan).RootElement;
        var stages = plan.GetProperty("stages").EnumerateArray().ToList();
        Assert.Equal(
            ["0.0 worker-0", "0.1 worker-1", "1.0 worker-2", "1.1 worker-3"],
            stages.Select(stage => $"{stage.GetProperty("replica")}.{stage.GetProperty("stage")} {stage.GetProperty("worker").GetString()}"));
        var told = run.Sent.Where(message => message.Message.LoadStage is not null).ToDictionary(message => message.Key.WorkerId, message => message.Message.LoadStage.Stage);
        Assert.Equal(4, told.Count);
        foreach (var stage in stages)
        {
            var loaded = told[stage.GetProperty("worker").GetString()!];
            Assert.Equal(
                (loaded.Place.Replica, loaded.Place.Stage, loaded.FirstLayer, loaded.LastLayer, loaded.Embedding, loaded.Head),
                (stage.GetProperty("replica").GetUInt32(), stage.GetProperty("stage").GetUInt32(), stage.GetProperty("first_layer").GetUInt32(), stage.GetProperty("last_layer").GetUInt32(),
                    stage.GetProperty("embedding").GetBoolean(), stage.GetProperty("head").GetBoolean()));
        }

        // A replica's stages hold each layer once, from 0 to the last one.
        var layers = run.Session.Material!.Model.Spec.NumLayers;
        Assert.Equal(
            Enumerable.Range(0, (int)layers),
            stages.Take(2).SelectMany(stage => Enumerable.Range(stage.GetProperty("first_layer").GetInt32(), stage.GetProperty("last_layer").GetInt32() - stage.GetProperty("first_layer").GetInt32() + 1)));
        Assert.Equal(["worker-4"], plan.GetProperty("spares").EnumerateArray().Select(spare => spare.GetString()));
    }

    [Fact]
    public async Task JobHash_OfAPlan_IsTheJobsAndNotItsLayouts()
    {
        var one = HashOf(await RunAsync(1));

        Assert.Matches("^[0-9a-f]{64}$", one);
        Assert.Equal(one, HashOf(await RunAsync(4, "layout={replicas: 2, stages: 2}")));
        Assert.NotEqual(one, HashOf(await RunAsync(1, "training.seed=43")));
        File.AppendAllText(_job.Folder.At("train.jsonl"), """{"input_ids":[0,2,4],"labels":[-100,2,4]}""");
        Assert.NotEqual(one, HashOf(await RunAsync(1)));
    }

    private static string HashOf(PureRun run)
    {
        var hash = JsonDocument.Parse(run.Plan).RootElement.GetProperty("job_hash").GetString()!;
        Assert.Equal(run.Record.JobHash, hash);
        return hash;
    }

    private async Task<PureRun> RunAsync(int workers, params string[] set)
    {
        var request = _job.Request(set);
        var run = new PureRun(await _job.MaterialAsync(request), request, new FakeWorkers(workers));
        run.Submit();
        return run;
    }
}
