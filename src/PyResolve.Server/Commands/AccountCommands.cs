using System.CommandLine;
using PyResolve.Server.Access;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Commands;

internal static class AccountCommands
{
    public static Command Create(RunOperatorCommand run)
    {
        var list = new Command("list", "Every account: e-mail, plan, this month's migrations");
        list.SetAction((parse, cancellationToken) => run(parse, ListAsync, cancellationToken));

        var email = new Argument<string>("e-mail");
        var plan = new Argument<string>("plan") { Description = string.Join(", ", PlanCatalog.Names) };
        var setPlan = new Command("set-plan", "Put an account on a plan") { email, plan };
        setPlan.SetAction((parse, cancellationToken) => run(
            parse,
            (services, token) => SetPlanAsync(services, parse.GetRequiredValue(email), parse.GetRequiredValue(plan), token),
            cancellationToken));

        return new Command("accounts", "Look at accounts, and change their plans") { list, setPlan };
    }

    private static async Task<int> ListAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var database = services.GetRequiredService<Database>();
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var month = services.GetRequiredService<TimeProvider>().GetUtcNow().ToMonth();
        var accounts = await database.ListAsync(
            $"""
            select p.email, p.plan, coalesce(m.migrations, 0), p.created_at
            from profiles p
            left join usage_monthly m on m.user_id = p.id and m.month = {month}
            where p.deleted_at is null
            order by p.email
            """,
            static row => new { Email = row.Text(0), Plan = row.Text(1), Migrations = row.Int64(2), CreatedAt = row.Instant(3) },
            cancellationToken);

        var width = accounts.Select(account => account.Email.Length).Append("E-MAIL".Length).Max();
        await Console.Out.WriteLineAsync($"{"E-MAIL".PadRight(width)}  {"PLAN",-10}  {"MIGRATIONS " + month,18}  SINCE");
        foreach (var account in accounts)
        {
            await Console.Out.WriteLineAsync(
                $"{account.Email.PadRight(width)}  {account.Plan,-10}  {account.Migrations,18}  {account.CreatedAt:yyyy-MM-dd}");
        }

        return 0;
    }

    private static async Task<int> SetPlanAsync(IServiceProvider services, string email, string plan, CancellationToken cancellationToken)
    {
        if (!PlanCatalog.Names.Contains(plan, StringComparer.Ordinal))
        {
            await Console.Error.WriteLineAsync($"There is no plan '{plan}'. The plans are {string.Join(", ", PlanCatalog.Names)}.");
            return 2;
        }

        await services.GetRequiredService<SchemaMigrator>().CheckAsync(cancellationToken);
        var now = await services.GetRequiredService<PlanOverrides>().SetAsync(EmailAddresses.Normalize(email), plan, cancellationToken);
        if (now is null)
        {
            await Console.Error.WriteLineAsync($"There is no account {email}. The command 'accounts list' shows them all.");
            return 1;
        }

        var more = now == plan ? "" : $" Its subscription grants more than {plan}.";
        await Console.Out.WriteLineAsync($"{EmailAddresses.Normalize(email)} is on the {now} plan now.{more}");
        return 0;
    }
}
