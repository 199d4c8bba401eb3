using PyResolve.Server.Accounts;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Admin;

internal static class AccountCommands
{
    public static async Task<int> ListAsync(IServiceProvider services)
    {
        var database = services.GetRequiredService<Database>();
        await services.GetRequiredService<SchemaMigrator>().CheckAsync(CancellationToken.None);
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
            CancellationToken.None);

        var width = accounts.Select(account => account.Email.Length).Append("E-MAIL".Length).Max();
        await Console.Out.WriteLineAsync($"{"E-MAIL".PadRight(width)}  {"PLAN",-10}  {"MIGRATIONS " + month,18}  SINCE");
        foreach (var account in accounts)
            await Console.Out.WriteLineAsync($"{account.Email.PadRight(width)}  {account.Plan,-10}  {account.Migrations,18}  {account.CreatedAt:yyyy-MM-dd}");
        return 0;
    }

    public static async Task<int> SetPlanAsync(IServiceProvider services, string email, string plan)
    {
        if (!PlanCatalog.Names.Contains(plan, StringComparer.Ordinal))
        {
            await Console.Error.WriteLineAsync($"There is no plan '{plan}'. The plans are {string.Join(", ", PlanCatalog.Names)}.");
            return 2;
        }

        await services.GetRequiredService<SchemaMigrator>().CheckAsync(CancellationToken.None);
        var now = await services.GetRequiredService<PlanOverrides>().SetAsync(Emails.Normalize(email), plan, CancellationToken.None);
        if (now is null)
        {
            await Console.Error.WriteLineAsync($"There is no account {email}. The command 'accounts list' shows them all.");
            return 1;
        }

        var more = now == plan ? "" : $" Its subscription grants more than {plan}.";
        await Console.Out.WriteLineAsync($"{Emails.Normalize(email)} is on the {now} plan now.{more}");
        return 0;
    }
}
