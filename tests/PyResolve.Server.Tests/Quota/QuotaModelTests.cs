using FsCheck;
using FsCheck.Fluent;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Leases;

namespace PyResolve.Server.Tests.Quota;

/// <summary>The quota against a simple model: the same commands give the same answers and figures.</summary>
[Trait("Category", "Proof")]
public sealed class QuotaModelTests(SharedServers servers)
{
    private static readonly Gen<Command> Commands = Gen.Frequency(
        (6, from quantity in Gen.Choose(1, 4)
            from minutes in Gen.Elements(1, 10, 50)
            from isLeased in Gen.Elements(true, false)
            select (Command)new Command.Reserve(quantity, minutes, isLeased)),
        (4, from which in Gen.Choose(0, 99)
            from quantity in Gen.Elements<int?>(null, 1, 2, 4)
            select (Command)new Command.Commit(which, quantity)),
        (3, from which in Gen.Choose(0, 99)
            from minutes in Gen.Elements(1, 10, 50)
            select (Command)new Command.Extend(which, minutes)),
        (3, Gen.Choose(0, 99).Select(which => (Command)new Command.Release(which))),
        (3, Gen.Choose(0, 99).Select(which => (Command)new Command.Report(which))),
        (1, Gen.Constant((Command)new Command.Use())),
        (3, Gen.Elements(1, 5, 45).Select(minutes => (Command)new Command.Wait(minutes))),
        (1, Gen.Elements("free", "pro", "unlimited").Select(plan => (Command)new Command.Change(plan))));

    [Theory, OnEveryEngine]
    public async Task Random_commands_are_answered_as_the_model_says(StorageEngine engine)
    {
        // Crosses the end of a month now and then.
        await using var own = await LeaseDriver.StartAsync(engine, servers, startAt: "2026-11-30T20:00:00Z");
        var asked = 0;
        var property = Prop.ForAll(Commands.ListOf().ToArbitrary(), commands =>
        {
            asked += commands.Count;
            return QuotaModelRun.Run(own, commands);
        });

        property.Check(Config.QuickThrowOnFailure.WithMaxTest(Scale.Pick(30, 1_000)).WithEndSize(25));

        Proofs.Report(
            "The quota engine and its model",
            $"{engine}: {Scale.Pick(30, 1_000):N0} random runs of {asked:N0} commands in all; "
            + "every answer and every figure was the model's.");
    }
}

/// <summary>A step of a run. A reservation is chosen by a number, modulo the number of reservations.</summary>
internal abstract record Command
{
    private Command()
    {
    }

    internal sealed record Reserve(int Quantity, int Minutes, bool IsLeased) : Command;

    internal sealed record Commit(int Which, int? Quantity) : Command;

    internal sealed record Extend(int Which, int Minutes) : Command;

    internal sealed record Release(int Which) : Command;

    internal sealed record Report(int Which) : Command;

    internal sealed record Use : Command;

    internal sealed record Wait(int Minutes) : Command;

    internal sealed record Change(string Plan) : Command;
}
