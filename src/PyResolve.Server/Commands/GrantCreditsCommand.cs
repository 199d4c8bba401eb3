using System.CommandLine;
using System.Globalization;
using PyResolve.Server.Audit;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class GrantCreditsCommand
{
    private const int MaxUnits = 1_000_000;

    public static Command Create(RunOperatorCommand run)
    {
        var account = OperatorAccount.Argument();
        var units = new Argument<int>("units") { Description = "How many migrations, 1 to 1000000" };
        var until = new Option<string?>("--until")
        {
            Description = "Last day on which the credits are valid. Default: no end",
            HelpName = "yyyy-mm-dd",
        };
        var reason = new Option<string>("--reason") { Description = "Why, for the audit log", Required = true, HelpName = "text" };
        var reference = new Option<string?>("--reference")
        {
            Description = "A name for this grant. Repeating the command with the same name grants nothing", HelpName = "text",
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command("grant-credits", "Give an account credits, which count when its plan's quota is used up")
        {
            account, units, until, reason, reference, json,
        };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => GrantAsync(
                services,
                new Wanted(
                    parse.GetRequiredValue(account),
                    parse.GetRequiredValue(units),
                    parse.GetValue(until),
                    parse.GetRequiredValue(reason),
                    parse.GetValue(reference)),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    private static async Task<int> GrantAsync(
        IServiceProvider services, Wanted wanted, OperatorOutput output, CancellationToken cancellationToken)
    {
        if (wanted.Units is < 1 or > MaxUnits)
            return await OperatorOutput.RefuseAsync($"units must be from 1 to {MaxUnits}.");
        var now = services.GetRequiredService<TimeProvider>().GetInstant();
        var until = PlanEndDate.Parse(wanted.LastDay);
        if (wanted.LastDay is not null && !(until > now))
            return await OperatorOutput.RefuseAsync($"--until {PlanEndDate.Rule}");
        if (!services.GetRequiredService<PlanCatalog>().HasCredits)
        {
            return await OperatorOutput.RefuseAsync(
                $"No plan draws on credits. Set {PlanSettings.Section}:<plan>:Credits=true for those that do.");
        }

        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, wanted.Account, cancellationToken) is not { } account)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(wanted.Account));
        var plan = services.GetRequiredService<PlanCatalog>()[account.Plan];
        if (!plan.DrawsCredits)
            await OperatorOutput.NoteAsync($"The {plan.Name} plan draws on no credits: they count when the account has one that does.");
        var reference = wanted.Reference is { } name ? $"operator:{name}" : Ids.Create(now).ToString("D");
        var isNew = await services.GetRequiredService<Database>().WriteAsync(
            async session =>
            {
                var credits = new NewCredits(account.Id, NewCredits.Operator, reference, wanted.Units, until);
                if (!await CreditGrants.AddAsync(session, credits, now, cancellationToken))
                    return false;
                await services.GetRequiredService<AuditLog>().WriteAsync(
                    session,
                    account.Id,
                    Origin.Operator with { Reason = wanted.Reason },
                    AuditActions.CreditsGranted,
                    wanted.Units.ToString(CultureInfo.InvariantCulture),
                    cancellationToken);
                return true;
            },
            cancellationToken);

        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer);
                writer.WriteNumber("credits", isNew ? wanted.Units : 0);
                if (until is not null)
                    writer.WriteInstant("until", until);
            });
        }

        if (!isNew)
            return await OperatorOutput.SayAsync($"{account.Email} was given the credits {wanted.Reference} before: nothing is added.");
        var end = wanted.LastDay is null ? "" : $", until the end of {wanted.LastDay} (UTC)";
        return await OperatorOutput.SayAsync($"{account.Email} has {wanted.Units} more credits{end}.");
    }

    private sealed record Wanted(string Account, int Units, string? LastDay, string Reason, string? Reference);
}
