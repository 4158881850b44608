using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>Progress that moves in place on a terminal: the newest step, the way so far, and what each worker does.</summary>
internal sealed class LiveView(IAnsiConsole console, string name) : IProgressView
{
    private const int BarWidth = 40;
    private readonly LossCurve _losses = new();
    private volatile string _note = "";
    private IReadOnlyList<string> _preflight = [];

    public static LiveView On(TextWriter writer, string name) =>
        new(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer), Interactive = InteractionSupport.Yes }), name);

    public async Task<T> ShowAsync<T>(Func<Action<JobStatus>, Task<T>> work) =>
        await console.Live(new Text("")).AutoClear(false).StartAsync(context => work(status =>
        {
            context.UpdateTarget(Render(status));
            context.Refresh();
        }));

    /// <summary>Shown with the next state, for writing beside a display that moves would tear it.</summary>
    public void Note(string text) => _note = text;

    /// <summary>The whole display for one state.</summary>
    public IRenderable Render(JobStatus status)
    {
        // States come without these lines once training has begun.
        if (status.Preflight.Count > 0)
        {
            _preflight = [.. status.Preflight];
        }

        List<IRenderable> rows = [.. _preflight.Select(line => new Text(line, PreflightStyle(line))), new Markup($"[bold]{Markup.Escape(name)}[/]  {StateMarkup(status)}")];
        if (status.Reason.Length > 0 && status.State != JobState.Failed)
        {
            rows.Add(new Text(status.Reason));
        }

        if (status.StepsPlanned > 0)
        {
            rows.Add(Bar(status));
        }

        if (StatusText.HasStep(status))
        {
            rows.Add(Numbers(status));
        }

        _losses.Observe(status);
        if (_losses.Text is { } curve && Sparkline.CanBeShownIn(console.Profile.Encoding))
        {
            rows.Add(new Text(curve, new Style(Color.Blue)) { Overflow = Overflow.Ellipsis });
        }

        if (status.Workers.Count > 0)
        {
            rows.Add(Workers(status));
        }

        if (_note.Length > 0 && !JobStates.HasEnded(status.State))
        {
            rows.Add(new Text(_note, new Style(Color.Yellow)));
        }

        return new Rows(rows);
    }

    private static Style PreflightStyle(string line) => line.StartsWith("warning", StringComparison.Ordinal) ? new Style(Color.Yellow) : new Style(Color.Grey);

    private static string StateMarkup(JobStatus status)
    {
        var color = status.State switch
        {
            JobState.Succeeded => "green",
            JobState.Failed => "red",
            JobState.Cancelled or JobState.Recovering or JobState.Paused => "yellow",
            _ => "blue",
        };
        return $"[{color}]{StatusText.State(status)}[/]";
    }

    private static Markup Bar(JobStatus status)
    {
        var share = (double)status.Step / status.StepsPlanned;
        var full = (int)Math.Round(share * BarWidth);
        var left = status.State == JobState.Running && StatusText.HasStep(status) ? $"  {StatusText.Duration(status.EtaSeconds)} left" : "";
        return new Markup($"[blue]{new string('━', full)}[/][grey]{new string('━', BarWidth - full)}[/]  step {status.Step}/{status.StepsPlanned}  {share:P0}{left}");
    }

    private static Markup Numbers(JobStatus status)
    {
        var loss = status.Skipped ? "[yellow]skipped[/]" : $"loss [bold]{StatusText.Loss(status.Loss)}[/]";
        var evaluation = status.HasEvalLoss ? $"  eval loss [bold]{StatusText.Loss(status.EvalLoss)}[/]" : "";
        return new Markup($"{loss}{evaluation}  grad norm {StatusText.Loss(status.GradNorm)}  lr {StatusText.Rate(status.LearningRate)}  "
            + $"[bold]{StatusText.TokensPerSecond(status.TokensPerSecond)}[/] tokens/s");
    }

    private static Table Workers(JobStatus status)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        table.AddColumns("[grey]worker[/]", "[grey]replica[/]", "[grey]stage[/]", "[grey]layers[/]", "[grey]doing[/]");
        foreach (var worker in status.Workers)
        {
            table.AddRow(
                new Text(worker.Worker), new Text($"{worker.Replica}"), new Text($"{worker.Stage}"), new Text(StatusText.Layers(worker)),
                new Text(worker.Activity) { Overflow = Overflow.Ellipsis });
        }

        return table;
    }
}
