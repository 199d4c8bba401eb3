using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

/// <summary>Money that goes back.</summary>
internal static class Refunds
{
    public static Refund Give(
        StripeState state, Charge charge, long amount, string? reason, Dictionary<string, string>? metadata = null)
    {
        var refund = state.Refunds.Add(new Refund
        {
            Id = state.Ids.Next("re"),
            Created = state.NowOn(charge.Intent.TestClockId),
            Charge = charge,
            Amount = amount,
            Reason = reason,
            Metadata = metadata ?? [],
        });
        charge.AmountRefunded += amount;
        state.Events.Emit(refund, "created");
        state.Events.Emit(charge, "refunded");
        return refund;
    }

    public static Dispute Dispute(StripeState state, Charge charge, string reason)
    {
        var dispute = state.Disputes.Add(new Dispute
        {
            Id = state.Ids.Next("du"),
            Created = state.NowOn(charge.Intent.TestClockId),
            Charge = charge,
            Reason = reason,
        });
        charge.IsDisputed = true;
        state.Events.Emit(dispute, "created");
        state.Events.Emit(dispute, "funds_withdrawn");
        return dispute;
    }

    public static void Close(StripeState state, Dispute dispute, bool isWon)
    {
        if (dispute.Status != "needs_response")
            return;
        dispute.Status = isWon ? "won" : "lost";
        if (isWon)
            state.Events.Emit(dispute, "funds_reinstated");
        state.Events.Emit(dispute, "closed");
    }
}
