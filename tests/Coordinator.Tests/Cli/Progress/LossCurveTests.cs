using System.Text;
using Microsoft.Extensions.Time.Testing;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Protos;
using Spectre.Console;

namespace Orchestrator.Coordinator.Tests.Cli.Progress;

/// <summary>The loss of a run on its way: in both views, each step once.</summary>
public sealed class LossCurveTests
{
    private static readonly JobStatus[] Run =
    [
        new() { State = JobState.Loading, StepsPlanned = 4 },
        Step(1, 5.5),
        Step(2, 3.25),
        Step(2, 3.25),
        new() { State = JobState.Running, StepsPlanned = 4, Step = 3, Skipped = true },
        Step(4, 1),
        new() { State = JobState.Succeeded, StepsPlanned = 4, Step = 4, Loss = 1 },
    ];

    [Fact]
    public void LiveView_AfterSteps_ShowsFirstLossBarsAndNewest()
    {
        var (console, shown) = Terminal(Encoding.UTF8);
        var view = new LiveView(console, "job");
        Assert.DoesNotContain("▁", Shown(console, shown, view, Run[..2]), StringComparison.Ordinal);
        Assert.Contains("\nloss  5.5000 █▁ 3.2500\n", Shown(console, shown, view, Run[2..4]), StringComparison.Ordinal);
        Assert.Contains("\nloss  5.5000 █▅▁ 1.0000\n", Shown(console, shown, view, Run[4..]), StringComparison.Ordinal);
    }

    [Fact]
    public void LiveView_TerminalWithoutBars_LeavesThemOut()
    {
        var (console, shown) = Terminal(Encoding.ASCII);
        var text = Shown(console, shown, new LiveView(console, "job"), Run);
        Assert.Contains("loss 1.0000  grad norm", text, StringComparison.Ordinal);
        Assert.DoesNotContain("5.5000", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PlainView_Run_EndsWithTheCurve()
    {
        await using var writer = new StringWriter();
        await new PlainView(writer, new FakeTimeProvider()).ShowAsync(show => Task.FromResult(Told(show)));
        Assert.EndsWith("\nsucceeded\nloss  5.5000 █▅▁ 1.0000\n", writer.ToString().ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Single(writer.ToString(), '█');
    }

    [Fact]
    public async Task PlainView_WriterWithoutBars_LeavesThemOut()
    {
        var bytes = new MemoryStream();
        await using var writer = new StreamWriter(bytes, Encoding.ASCII);
        await new PlainView(writer, new FakeTimeProvider()).ShowAsync(show => Task.FromResult(Told(show)));
        await writer.FlushAsync(TestContext.Current.CancellationToken);
        Assert.EndsWith("\nsucceeded\n", Encoding.ASCII.GetString(bytes.ToArray()).ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    private static JobStatus Step(ulong step, double loss) => new() { State = JobState.Running, StepsPlanned = 4, Step = step, Loss = loss };

    private static int Told(Action<JobStatus> show)
    {
        foreach (var status in Run) show(status);
        return Run.Length;
    }

    private static string Shown(IAnsiConsole console, StringBuilder shown, LiveView view, JobStatus[] states)
    {
        foreach (var status in states)
        {
            shown.Clear();
            console.Write(view.Render(status));
        }

        return string.Concat(shown.ToString().ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimEnd() + "\n"));
    }

    private static (IAnsiConsole Console, StringBuilder Shown) Terminal(Encoding encoding)
    {
        var shown = new StringBuilder();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(new StringWriter(shown)) });
        console.Profile.Encoding = encoding;
        console.Profile.Width = 120;
        return (console, shown);
    }
}
