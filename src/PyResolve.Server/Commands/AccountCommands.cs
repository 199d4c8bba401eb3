using System.CommandLine;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class AccountCommands
{
    public static Command Create(RunOperatorCommand run)
    {
        var list = new Command("list", "Every account: email, plan, this month's migrations");
        var json = OperatorOutput.JsonOption();
        list.Add(json);
        list.SetAction((parse, cancellationToken) => run(
            parse, (services, token) => ListAsync(services, new OperatorOutput(parse.GetValue(json)), token), cancellationToken));

        return new Command("accounts", "Look at accounts, create, change and delete them")
        {
            list, AccountChangeCommands.CreateAccount(run), AccountChangeCommands.Invite(run), AccountChangeCommands.ResetPassword(run),
            SecondFactorCommand.Create(run), AccountChangeCommands.SetEmail(run), SetPlan(run), GrantCreditsCommand.Create(run),
            AccountChangeCommands.Delete(run), AccountExportCommand.Create(run),
        };
    }

    private static Command SetPlan(RunOperatorCommand run)
    {
        var account = OperatorAccount.Argument();
        var plan = new Argument<string>("plan") { Description = "A plan of the catalogue" };
        var until = new Option<string?>("--until")
        {
            Description = "Last day of the plan. Default: no end",
            HelpName = "yyyy-mm-dd",
        };
        var json = OperatorOutput.JsonOption();
        var command = new Command("set-plan", "Put an account on a plan") { account, plan, until, json };
        command.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => SetPlanAsync(
                services,
                parse.GetRequiredValue(account),
                parse.GetRequiredValue(plan),
                parse.GetValue(until),
                new OperatorOutput(parse.GetValue(json)),
                token),
            cancellationToken));
        return command;
    }

    private static async Task<int> ListAsync(IServiceProvider services, OperatorOutput output, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<Database>();
        var plans = services.GetRequiredService<PlanCatalog>();
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        await EmailKeys.FillAsync(database, cancellationToken);
        var month = services.GetRequiredService<TimeProvider>().GetUtcNow().ToMonth();
        var accounts = await database.ListAsync(
            $"""
            select p.id, p.email, p.name, p.plan, coalesce(m.migrations, 0), p.created_at, p.email_verified_at, p.email_clash
            from profiles p
            left join usage_monthly m on m.user_id = p.id and m.month = {month}
            where p.deleted_at is null
            order by p.email
            """,
            row => new
            {
                Id = row.Uuid(0),
                Email = row.Text(1),
                Name = row.TextOrNull(2),
                Plan = plans.NameOf(row.Text(3)),
                Migrations = row.Int64(4),
                CreatedAt = row.Instant(5),
                VerifiedAt = row.InstantOrNull(6),
                Clash = row.UuidOrNull(7),
            },
            cancellationToken);

        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                writer.WriteStartArray("data");
                foreach (var account in accounts)
                {
                    writer.WriteStartObject();
                    writer.WriteString("id", account.Id);
                    writer.WriteString("email", account.Email);
                    writer.WriteString("name", account.Name);
                    writer.WriteString("plan", account.Plan);
                    writer.WriteNumber("migrations", account.Migrations);
                    writer.WriteInstant("created_at", account.CreatedAt);
                    writer.WriteInstant("email_verified_at", account.VerifiedAt);
                    if (account.Clash is { } other)
                        writer.WriteString("same_mailbox_as", other);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            });
        }

        var width = accounts.Select(account => account.Email.Length).Append("EMAIL".Length).Max();
        await Console.Out.WriteLineAsync($"{"EMAIL".PadRight(width)}  {"PLAN",-10}  {"MIGRATIONS " + month,18}  SINCE");
        foreach (var account in accounts)
        {
            var clash = account.Clash is { } other ? $"  {account.Id}: the same mailbox as {other}" : "";
            await Console.Out.WriteLineAsync(
                $"{account.Email.PadRight(width)}  {account.Plan,-10}  {account.Migrations,18}  {account.CreatedAt:yyyy-MM-dd}{clash}");
        }

        return OperatorOutput.Done;
    }

    private static async Task<int> SetPlanAsync(
        IServiceProvider services, string typed, string plan, string? lastDay, OperatorOutput output, CancellationToken cancellationToken)
    {
        var plans = services.GetRequiredService<PlanCatalog>();
        if (plans.Find(plan) is null)
            return await OperatorOutput.RefuseAsync($"There is no plan '{plan}'. The plans are {string.Join(", ", plans.Names)}.");
        var until = PlanEndDate.Parse(lastDay);
        if (lastDay is not null && !(until > services.GetRequiredService<TimeProvider>().GetInstant()))
            return await OperatorOutput.RefuseAsync($"--until {PlanEndDate.Rule}");

        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        if (await OperatorAccount.FindAsync(services, typed, cancellationToken) is not { } account
            || await services.GetRequiredService<PlanOverrides>().SetAsync(account.Id, plan, until, Origin.Operator, cancellationToken)
                is not { } now)
            return await OperatorOutput.FailAsync(OperatorAccount.NotFound(typed));

        if (output.IsJson)
        {
            return await OperatorOutput.WriteAsync(writer =>
            {
                account.Write(writer, now);
                if (until is not null)
                    writer.WriteInstant("until", until);
            });
        }

        var end = until is not null && now == plan ? $", until the end of {lastDay} (UTC)" : "";
        var more = now == plan ? "" : $" Its subscription grants more than {plan}.";
        return await OperatorOutput.SayAsync($"{account.Email} is on the {now} plan now{end}.{more}");
    }
}
