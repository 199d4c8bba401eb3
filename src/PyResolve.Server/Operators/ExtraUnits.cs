using System.Globalization;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Operators;

/// <summary>Units that an operator gives beside those of the plan, in the current month.</summary>
internal sealed class ExtraUnits(Database database, AuditLog audit, TimeProvider time)
{
    /// <summary>Sets the number of extra units, so that a form that is sent twice gives nothing twice.</summary>
    /// <returns>Whether there is such an account.</returns>
    public Task<bool> SetAsync(Guid userId, int units, Origin by, CancellationToken cancellationToken) =>
        database.OfAccount(userId).WriteAsync(
        async session =>
        {
            if (await ProfilePlan.LockAsync(session, userId, cancellationToken) is null)
                return false;
            var month = time.GetInstant().ToMonth();
            await session.ExecuteAsync(
                $"""
                insert into usage_monthly (user_id, month, extra) values ({userId}, {month}, {units})
                on conflict (user_id, month) do update set extra = excluded.extra
                """,
                cancellationToken);
            var target = string.Create(CultureInfo.InvariantCulture, $"{units} in {month}");
            await audit.WriteAsync(session, userId, by, AuditActions.UnitsGranted, target, cancellationToken);
            return true;
        },
        cancellationToken);
}
