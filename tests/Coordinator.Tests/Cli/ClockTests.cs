using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Datasets;

namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary><c>--clock</c> means the same to every command, on every machine.</summary>
public sealed class ClockTests : IDisposable
{
    private const string Template = "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}{% for m in messages %}{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% endfor %}";
    private const string Chat = """{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"yo"}]}""";

    private readonly PrepareProgram _program = new();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, string> Forms => new()
    {
        { "2026-02-03", "2026-02-03 00:00:00" },
        { "2026-02-03T04:05", "2026-02-03 04:05:00" },
        { "2026-02-03T04:05:06", "2026-02-03 04:05:06" },
        { "2026-02-03 04:05:06", "2026-02-03 04:05:06" },
        { "2026-02-03T04:05:06Z", "2026-02-03 04:05:06" },
        { "2026-02-03T04:05:06+09:30", "2026-02-03 04:05:06" },
        { "2026-02-03T23:05:06-08:00", "2026-02-03 23:05:06" },
        { "2026-02-03T04:05:06.789", "2026-02-03 04:05:06" },
    };

    public void Dispose()
    {
        _program.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public async Task Clock_Iso8601_IsTheSameToRenderAndPrepare(string given, string told)
    {
        var model = _folder.CopyOf(GoldenDatasets.Model("qwen2_chatml"));
        File.WriteAllText(Path.Combine(model, "chat_template.jinja"), Template);
        var data = _program.Write("data.jsonl", Chat);
        var rendered = await CommandRun.RunAsync("render", "--model", model, "--data", data, "--clock", given);
        Assert.Contains($"\n{told}hi<|im_end|>yo<|im_end|>\n", rendered.Results.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        var prepared = await _program.RunAsync(model, new { train = data }, "--json", "--clock", given);
        Assert.True(prepared.Code == 0, prepared.Messages);
        Assert.Equal($"{told}hi<|im_end|>yo<|im_end|>", Assert.Single(prepared.Samples).Text);
    }

    [Theory]
    [InlineData("soon")]
    [InlineData("02/03/2026")]
    [InlineData("2026-02-30")]
    [InlineData("04:05:06")]
    [InlineData("2026-02-03T04:05:06+25:00")]
    public async Task Clock_NoMoment_IsAWrongRequestToBoth(string given)
    {
        var template = _program.Write("t.jinja", Template);
        var rendered = await CommandRun.RunAsync("render", "--template", template, "--data", _program.Write("data.jsonl", Chat), "--clock", given);
        Assert.Equal((ExitCodes.WrongRequest, ""), (rendered.Code, rendered.Results));
        Assert.Contains($"error: --clock '{given}' is no time; give {ClockText.Expected}.", rendered.Messages, StringComparison.Ordinal);
        var prepared = await _program.RunAsync(GoldenDatasets.Model("qwen2_chatml"), new { train = "data.jsonl" }, "--clock", given);
        Assert.Equal((ExitCodes.WrongRequest, ""), (prepared.Code, prepared.Results));
        Assert.StartsWith($"error: --clock '{given}' is no time; give {ClockText.Expected}.\n", prepared.Messages, StringComparison.Ordinal);
        Assert.DoesNotContain("data.clock", prepared.Messages, StringComparison.Ordinal);
    }
}
