using System.CommandLine;
using PyResolve.Benchmarks;
using PyResolve.Benchmarks.Load;

// The thread that is notified of an answer reads it: handing it to another thread would cost CPU time that the servers need.
Environment.SetEnvironmentVariable(LoadGenerator.InlineCompletions, "1");

var names = new Argument<string[]>("scenario")
{
    Description = "What to measure. Default: everything.",
    Arity = ArgumentArity.ZeroOrMore,
};
names.AcceptOnlyFromAmong([.. Scenario.All.Select(scenario => scenario.Name)]);
var rounds = new Option<int>("--rounds") { Description = "How often everything is measured.", DefaultValueFactory = _ => 9 };
var seconds = new Option<double>("--seconds")
{
    Description = "The time for each row in a round, in turn with the others.",
    DefaultValueFactory = _ => 2,
};
var connections = new Option<int>("--connections")
{
    Description = "Keep-alive connections, each with one request at a time.",
    DefaultValueFactory = _ => 32,
};
var keys = new Option<int>("--keys") { Description = "Live keys in the store before a restart.", DefaultValueFactory = _ => 100_000 };
var events = new Option<int>("--events")
{
    Description = "Usage events in the store before an upgrade.",
    DefaultValueFactory = _ => 10_000_000,
};
var minutes = new Option<double>("--minutes")
{
    Description = "The time at full load during which a server's memory is measured.",
    DefaultValueFactory = _ => 10,
};
var server = new Option<DirectoryInfo?>("--server") { Description = "A folder with a published server; by default it is published anew." };
var before = new Option<DirectoryInfo?>("--before")
{
    Description = "A folder with an earlier server, published: the scenario compare measures both in turn.",
};
var output = new Option<FileInfo?>("--output")
{
    Description = "The page to write the tables into; by default the page in docs that belongs to the scenario.",
};
var root = new RootCommand(
    "Measures the server against limits that this program starts itself, and writes the tables into docs/performance.md.")
{
    names, rounds, seconds, connections, keys, events, minutes, server, before, output,
};
root.Validators.Add(parse =>
{
    var chosen = Scenario.All.Where(scenario => parse.GetValue(names)!.Contains(scenario.Name));
    if (parse.GetValue(before) is null && chosen.Any(static scenario => scenario.NeedsBefore))
        parse.AddError("Name a folder with an earlier server, published: --before <folder>.");
});
root.SetAction((parse, cancellationToken) => BenchmarkRun.RunAsync(
    [
        .. Scenario.All.Where(
            scenario => parse.GetValue(names) is { Length: > 0 } chosen
                ? chosen.Contains(scenario.Name)
                : scenario.IsPossible && (parse.GetValue(before) is not null || !scenario.NeedsBefore)),
    ],
    new Effort(
        parse.GetValue(rounds),
        TimeSpan.FromSeconds(parse.GetValue(seconds)),
        parse.GetValue(connections),
        parse.GetValue(keys),
        TimeSpan.FromMinutes(parse.GetValue(minutes)),
        parse.GetValue(events)),
    parse.GetValue(server),
    parse.GetValue(before),
    parse.GetValue(output),
    cancellationToken));
return await root.Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
