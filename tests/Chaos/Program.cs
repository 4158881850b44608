using System.CommandLine;
using System.Runtime.InteropServices;
using Orchestrator.Chaos;

var seed = new Option<int>("--seed") { Description = "The same seed makes the same plans.", DefaultValueFactory = _ => 1 };
var seconds = new Option<int>("--for") { Description = "Seconds after which no further run begins.", DefaultValueFactory = _ => 60 };
var faults = new Option<int>("--faults") { Description = "Faults a run.", DefaultValueFactory = _ => 3 };
var kinds = new Option<FaultKind[]>("--kind") { Description = "What may be done; may be repeated.", DefaultValueFactory = _ => Enum.GetValues<FaultKind>() };
var apart = new Option<bool>("--apart") { Description = "A fault waits until the job has got over the one before; a run that ends before all are done fails." };
var layouts = new Option<string[]>("--layout") { Description = "Replicas x stages, e.g. 2x1; with spare workers 2x1+1. May be repeated.", DefaultValueFactory = _ => ["1x1", "2x1", "1x2", "2x2", "3x1", "2x1+1", "1x2+1"] };
var steps = new Option<int>("--steps") { Description = "Steps a run.", DefaultValueFactory = _ => 40 };
var job = new Option<string>("--job") { Description = "The job file.", DefaultValueFactory = _ => Repository.Sample("orders.yaml") };
var command = new RootCommand("Trains under faults and compares with a run that nobody disturbed.") { seed, seconds, faults, kinds, apart, layouts, steps, job };
layouts.Validators.Add(given =>
{
    foreach (var layout in given.Tokens.Where(token => !ChaosJob.IsLayout(token.Value)))
    {
        given.AddError($"--layout {layout.Value}: replicas x stages, each from 1 on, are wanted, e.g. 2x1, or with spare workers 2x1+1.");
    }
});
AtLeast(seconds, 0);
AtLeast(faults, 0);
AtLeast(steps, 1);
job.Validators.Add(given =>
{
    if (given.Tokens is [var file] && !File.Exists(file.Value))
    {
        given.AddError($"--job {file.Value}: there is no such file.");
    }
});
command.SetAction((parsed, cancellationToken) => new ChaosCommand(
    parsed.GetValue(seed), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(faults), parsed.GetValue(kinds)!, parsed.GetValue(apart), parsed.GetValue(layouts)!, parsed.GetValue(steps), parsed.GetValue(job)!).RunAsync(cancellationToken));
var wanted = command.Parse(args);
foreach (var error in wanted.Errors)
{
    Console.Error.WriteLine($"error: {error.Message}");
}

if (wanted.Errors.Count > 0)
{
    return 2;
}

// However often it is asked to: the run under way ends, and its files go.
using var interrupted = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
return await wanted.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null }, interrupted.Token);

void Interrupt(PosixSignalContext signal)
{
    signal.Cancel = true;
    interrupted.Cancel();
}

static void AtLeast(Option<int> option, int least) => option.Validators.Add(given =>
{
    if (given.Tokens is [var number] && int.TryParse(number.Value, out int value) && value < least)
    {
        given.AddError($"{option.Name} {value}: at least {least} is wanted.");
    }
});
