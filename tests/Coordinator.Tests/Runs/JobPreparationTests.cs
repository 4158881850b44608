using System.Text.Json;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Checkpoints;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>What a job's preparation refuses: the request is wrong, and each sentence has the code under which <c>prepare</c> finds the same.</summary>
public sealed class JobPreparationTests : IDisposable
{
    private const string Turns = "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}";
    private const string Doubled = "{{ bos_token ~ bos_token }}" + Turns;
    private const string Endless = "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Doubled, "yo", "[doubled-bos] data.jsonl, line 1: the sample begins with <|begin_of_text|> twice; take it out of the text or out of the chat template.")]
    [InlineData(Endless, "yo", "[end-of-turn-without-loss] After 1 of 1 answers the end-of-turn token <|im_end|> carries no loss, so the model does not learn to stop; put it inside {% generation %} in the chat template, or set data.loss_on to all.")]
    [InlineData(Turns, null, "[no-label-token] data.train has no label token at all in any of its 1 row")]
    public async Task Prepare_DataThatTeachesNothingRight_IsAWrongRequest(string template, string? answer, string sentence)
    {
        var failed = Assert.IsType<JobInput.PreparationFailed>(await Prepare(template, answer));
        Assert.True(failed.Invalid);
        Assert.StartsWith(sentence, failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_SeveralErrors_AreALineEach()
    {
        var failed = Assert.IsType<JobInput.PreparationFailed>(await Prepare("{{ bos_token ~ bos_token }}" + Endless, "yo"));
        Assert.Equal(["[doubled-bos]", "[end-of-turn-without-loss]"], failed.Reason.Split('\n').Select(line => line.Split(' ', 2)[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Prepare_TheSameDataInOrder_IsPrepared() => Assert.IsType<JobInput.Prepared>(await Prepare(Turns, "yo"));

    /// <summary>A template that writes the day makes other data on another day; the run that goes on is the same all the same.</summary>
    [Fact]
    public async Task Prepare_OfARunThatGoesOnOnAnotherDay_KeepsTheDayOfItsData()
    {
        const string Dated = "{{ strftime_now('%Y-%m-%d') }}" + Turns;
        var before = Assert.IsType<JobInput.Prepared>(await Prepare(Dated, "yo", clock: "2020-01-02")).Material;
        Assert.NotEqual(before.JobHash, Assert.IsType<JobInput.Prepared>(await Prepare(Dated, "yo")).Material.JobHash);
        OwnedRunFolder.Create(_folder.At("out"), new OwnerTitle("job-1", 1), "", ["""{"event":"start","job":"job-0"}"""], _ => { }).Dispose();
        var store = new CheckpointStore(_folder.At("out", "checkpoints"));
        var manifest = Manifests.Of(1);
        (manifest.JobHash, manifest.Clock) = (before.JobHash, "2020-01-02T00:00:00");
        Directory.CreateDirectory(store.Of(1));
        Manifests.WriteFile(store.Of(1), manifest);

        var after = Assert.IsType<JobInput.Prepared>(await Prepare(Dated, "yo", resume: true));

        Assert.Equal((before.JobHash, 1UL), (after.Material.JobHash, after.Resume?.Checkpoint?.Step));
        var other = Assert.IsType<JobInput.PreparationFailed>(await Prepare(Dated, "ya", resume: true));
        Assert.True(other.Invalid);
        Assert.Matches("the run of another job", other.Reason);
    }

    private Task<object> Prepare(string template, string? answer, string? clock = null, bool resume = false)
    {
        object[] messages = [new { role = "user", content = "hi" }, .. answer is null ? Array.Empty<object>() : [new { role = "assistant", content = answer }]];
        File.WriteAllText(_folder.At("data.jsonl"), JsonSerializer.Serialize(new { messages }));
        File.WriteAllText(_folder.At("template.jinja"), template);
        var request = new SubmitJobRequest
        {
            Document = JsonSerializer.Serialize(new
            {
                model = Path.Combine(Fixtures.Repository, "coordinator", "samples", "tiny-llama"),
                data = new { train = "data.jsonl", chat_template = "template.jinja" },
                output = "out",
            }),
            DocumentName = "job.json",
            BaseFolder = _folder.Path,
            CurrentFolder = _folder.Path,
            Resume = resume,
        };
        if (clock is not null)
        {
            request.Set.Add($"data.clock={clock}");
        }

        return JobWork.PrepareAsync(request, _folder.At("data"), new Progress<string>(), TestContext.Current.CancellationToken);
    }
}
