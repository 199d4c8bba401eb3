using PyResolve.Server.Access;
using PyResolve.Server.Storage;

namespace PyResolve.Server.Imports;

/// <summary>Accounts whose addresses differ in spelling only, which the guide allows and the server does not.</summary>
internal static class SharedEmails
{
    public const string Name = "email_shared";

    /// <summary>As the server decides it once the rows are here: the oldest account keeps the mailbox.</summary>
    public static async Task<ImportFinding?> FindAsync(Session session, ProjectTables tables, CancellationToken cancellationToken)
    {
        var first = new Dictionary<string, (Guid Id, string Email)>(StringComparer.Ordinal);
        var clashes = new List<EmailClash>();
        await session.VisitAsync(
            $"""
            select p.id, lower(btrim(p.address))
            from ({new SqlPart(ImportFindings.AcceptedProfiles(tables))}) p
            order by p.created_at, p.id
            """,
            row =>
            {
                var (id, email) = (row.Uuid(0), row.Text(1));
                if (!first.TryAdd(EmailAddresses.KeyOf(email), (id, email)))
                {
                    var other = first[EmailAddresses.KeyOf(email)];
                    clashes.Add(new EmailClash(id, email, other.Id, other.Email));
                }

                return true;
            },
            cancellationToken);
        return Describe(clashes);
    }

    public static ImportFinding? Describe(IReadOnlyList<EmailClash> clashes) => clashes.Count == 0 ? null : new ImportFinding(
        FindingKind.Notice,
        Name,
        "accounts whose email address is that of an older account, in another spelling. They are taken over, with their keys and usage, "
            + "and their keys work. By the address the older account is found. Give each another one, "
            + "'accounts set-email <id> <new email>', or delete it, 'accounts delete <id>'",
        clashes.Count,
        [.. clashes.Take(ImportFindings.MaxExamples).Select(static clash => clash.UserId.ToString())])
    {
        Details =
        [
            .. clashes.Select(static clash => $"{clash.UserId} ({clash.Email}) has the mailbox of {clash.Other} ({clash.OtherEmail})"),
        ],
    };
}
