using System.CommandLine;
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
command.SetAction(parsed => new ChaosCommand(
    parsed.GetValue(seed), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(faults), parsed.GetValue(kinds)!, parsed.GetValue(apart), parsed.GetValue(layouts)!, parsed.GetValue(steps), parsed.GetValue(job)!).RunAsync());
return await command.Parse(args).InvokeAsync();
