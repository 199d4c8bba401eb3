using PyResolve.Server.Storage;

namespace PyResolve.Server.Ledger;

/// <summary>
/// The modes of Stripe whose purchases count: what was bought in test mode must pay for nothing in live mode. The reference of a purchase
/// begins with its mode; what an operator gave always counts.
/// </summary>
internal sealed record CreditOrigins(string First, string Second)
{
    public static string ReferenceOf(string origin, string purchase) => $"{origin}:{purchase}";

    /// <summary>The condition for a row of <c>credit_grants</c> that counts. No other table of the statement has these columns.</summary>
    public SqlPart Count
    {
        get
        {
            var (first, second) = (ReferenceOf(First, "%"), ReferenceOf(Second, "%"));
            Sql count = $"(source <> {NewCredits.Purchase} or reference like {first} or reference like {second})";
            return new SqlPart(count);
        }
    }
}
