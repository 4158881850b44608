using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary>How many workers a <c>train</c> starts.</summary>
public sealed class TrainRequestTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("layout={replicas: 2, stages: 3}", null, 6)]
    [InlineData("layout={replicas: 2, stages: 3}", 8, 8)]
    [InlineData("layout={replicas: 2, stages: 3}", 6, 6)]
    [InlineData("resources.workers=3", null, 3)]
    [InlineData("resources.workers=3", 2, 2)]
    [InlineData("resources.workers=256", null, 256)]
    [InlineData("resources.workers=257", 2, 2)]
    public void Read_LayoutAndOptions_SayHowManyWorkersStart(string set, int? workers, int expected) =>
        Assert.Equal(expected, Read(set, workers).Request!.NumWorkers);

    /// <summary>Without a layout all workers that are started become replicas, so the job is told to wait for each of them.</summary>
    [Theory]
    [InlineData("resources.workers=3", 2, "resources.workers=2")]
    [InlineData("training.seed=1", 4, "resources.workers=4")]
    public void Read_WithoutALayout_LetsTheJobWaitForAllThatStart(string set, int workers, string last) =>
        Assert.Equal([set, last], Read(set, workers).Request!.Submission.Set);

    [Fact]
    public void Read_WithALayout_LeavesTheJobItsOwnNumber() =>
        Assert.Single(Read("layout={replicas: 2, stages: 3}", 8).Request!.Submission.Set);

    [Theory]
    [InlineData("layout={replicas: 2, stages: 3}", 5, "needs 6 workers, but 5 are to be started; give --workers 6")]
    [InlineData("layout={replicas: 1, stages: 2}", 1, "The layout of 1 replica x 2 stages needs 2 workers, but 1 is to be started; give --workers 2")]
    [InlineData("layout={replicas: 16, stages: 17}", null, "needs 272 workers, but train starts at most 256")]
    [InlineData("layout={replicas: 16, stages: 100000}", 256, "needs 1600000 workers, but 256 are to be started")]
    [InlineData("resources.workers=257", null, "resources.workers is 257, but train starts at most 256; ask for fewer.")]
    [InlineData("resources={workers: 5000, compute_threads: 1}", null, "resources.workers is 5000, but train starts at most 256")]
    public void Read_MoreWorkersThanCanBe_IsRefused(string set, int? workers, string sentence)
    {
        var error = Assert.Throws<InvalidInputException>(() => Read(set, workers));
        Assert.Contains(sentence, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_JobWhoseFilesAreNotThere_NamesEachOfThem()
    {
        File.WriteAllText(_folder.At("job.yaml"), "{model: m, data: {train: t.jsonl, eval: [e.jsonl]}}");
        var (request, errors) = TrainRequest.Read(new TrainOptions("job.yaml") { Sets = ["data.chat_template=c.jinja"] }, _folder.Path);
        Assert.Null(request);
        Assert.Equal(
            ["job.yaml, line 1, column 9: model: ", "job.yaml, line 1, column 26: data.train: ", "job.yaml, line 1, column 42: data.eval: ", "--set data.chat_template=c.jinja: data.chat_template: "],
            errors.Select(error => error[..error.IndexOf('\'', StringComparison.Ordinal)]));
    }

    private (TrainRequest? Request, IReadOnlyList<string> Errors) Read(string set, int? workers)
    {
        Directory.CreateDirectory(_folder.At("m"));
        File.WriteAllText(_folder.At("t.jsonl"), "");
        File.WriteAllText(_folder.At("job.yaml"), "{model: m, data: {train: t.jsonl}}");
        return TrainRequest.Read(new TrainOptions("job.yaml") { Sets = [set], Workers = workers }, _folder.Path);
    }
}
