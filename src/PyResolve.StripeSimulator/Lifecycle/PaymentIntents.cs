using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal enum PaymentOutcome
{
    Paid,

    /// <summary>A bank debit that is on its way.</summary>
    Processing,

    Failed,
}

internal static class PaymentIntents
{
    private const long SettlementTime = 3 * 24 * 60 * 60;

    public static PaymentIntent Add(StripeState state, PaymentIntent intent)
    {
        state.PaymentIntents.Add(intent);
        state.Events.Emit(intent, "created");
        return intent;
    }

    /// <summary>It waits for somebody who confirms it, with the customer's default method where there is one.</summary>
    public static void Offer(PaymentIntent intent, string? paymentMethodId)
    {
        intent.PaymentMethodId = paymentMethodId;
        if (paymentMethodId is not null)
            intent.Status = "requires_confirmation";
    }

    public static PaymentOutcome Attempt(
        StripeState state, PaymentIntent intent, CardBehaviour? card, string? paymentMethodId, bool isRenewal)
    {
        if (intent.Status == "processing")
            return PaymentOutcome.Processing;
        intent.PaymentMethodId = paymentMethodId ?? intent.PaymentMethodId;
        switch (card)
        {
            case CardBehaviour.Works:
            case CardBehaviour.FailsOnRenewal when !isRenewal:
                Succeed(state, intent);
                return PaymentOutcome.Paid;
            case CardBehaviour.SettlesLater or CardBehaviour.BouncesLater:
                Begin(state, intent, willBounce: card == CardBehaviour.BouncesLater);
                return PaymentOutcome.Processing;
            case null:
                Fail(state, intent, charge: null);
                return PaymentOutcome.Failed;
            default:
                Fail(state, intent, AddCharge(state, intent, "failed"));
                return PaymentOutcome.Failed;
        }
    }

    public static void Succeed(StripeState state, PaymentIntent intent)
    {
        if (intent.Status is "succeeded" or "canceled")
            return;
        var charge = intent.Status == "processing" ? state.Charges.Get(intent.LatestChargeId!) : AddCharge(state, intent, "succeeded");
        charge.Status = "succeeded";
        intent.Status = "succeeded";
        intent.HasFailed = false;
        Leave(state, intent);
        KeepMethod(state, intent);
        state.Events.Emit(charge, "succeeded");
        state.Events.Emit(intent, "succeeded");
    }

    public static void Cancel(StripeState state, PaymentIntent intent)
    {
        if (intent.Status is "succeeded" or "canceled")
            return;
        intent.Status = "canceled";
        intent.CanceledAt = state.NowOn(intent.TestClockId);
        Leave(state, intent);
        state.Events.Emit(intent, "canceled");
    }

    /// <summary>A payment that was on its way succeeds or fails, and what it was for follows.</summary>
    public static void Settle(StripeState state, PaymentIntent intent)
    {
        var willBounce = intent.WillBounce;
        if (willBounce)
        {
            var charge = state.Charges.Get(intent.LatestChargeId!);
            charge.Status = "failed";
            Leave(state, intent);
            Fail(state, intent, charge);
        }
        else
        {
            Succeed(state, intent);
        }

        if (intent.InvoiceId is { } invoice)
            InvoiceSettlement.Apply(state, state.Invoices.Get(invoice), isPaid: !willBounce);
        Checkouts.Settle(state, intent, isPaid: !willBounce);
    }

    private static void Begin(StripeState state, PaymentIntent intent, bool willBounce)
    {
        intent.Status = "processing";
        intent.WillBounce = willBounce;
        intent.SettlesAt = state.NowOn(intent.TestClockId) + SettlementTime;
        state.Settling.Add(intent);
        state.Events.Emit(AddCharge(state, intent, "pending"), "pending");
        state.Events.Emit(intent, "processing");
    }

    private static void Fail(StripeState state, PaymentIntent intent, Charge? charge)
    {
        intent.Status = "requires_payment_method";
        intent.HasFailed = true;
        if (charge is not null)
            state.Events.Emit(charge, "failed");
        state.Events.Emit(intent, "payment_failed");
    }

    /// <summary><c>setup_future_usage</c>: what has paid is the customer's from now on.</summary>
    private static void KeepMethod(StripeState state, PaymentIntent intent)
    {
        if (intent is { FutureUsage: not null, CustomerId: { } customer, PaymentMethodId: { } method }
            && state.PaymentMethods.Get(method) is { CustomerId: null } kept)
            PaymentMethods.Attach(state, kept, state.Customers.Get(customer));
    }

    private static void Leave(StripeState state, PaymentIntent intent)
    {
        intent.SettlesAt = null;
        state.Settling.Remove(intent);
    }

    private static Charge AddCharge(StripeState state, PaymentIntent intent, string status)
    {
        var charge = state.Charges.Add(new Charge
        {
            Id = state.Ids.Next("ch"),
            Created = state.NowOn(intent.TestClockId),
            Intent = intent,
            Amount = intent.Amount,
            PaymentMethodId = intent.PaymentMethodId,
            Status = status,
        });
        intent.LatestChargeId = charge.Id;
        return charge;
    }
}

internal static class InvoiceSettlement
{
    /// <summary>After an attempt that somebody made on the invoice's payment intent.</summary>
    public static void Follow(StripeState state, Invoice invoice, PaymentOutcome outcome)
    {
        invoice.AttemptCount++;
        if (outcome != PaymentOutcome.Processing)
            Apply(state, invoice, isPaid: outcome == PaymentOutcome.Paid);
    }

    public static void Apply(StripeState state, Invoice invoice, bool isPaid)
    {
        var subscription = invoice.SubscriptionId is { } id ? state.Subscriptions.Get(id) : null;
        if (isPaid)
        {
            Payments.MarkPaid(state, invoice);
            if (subscription is null)
                return;
            SubscriptionChanges.ApplyPending(state, subscription, invoice);
            if (!subscription.OpenInvoices.Any())
                Renewals.Reactivate(state, subscription);
            return;
        }

        Payments.MarkFailed(state, invoice);
        if (subscription is not null)
            Renewals.FollowFailure(state, subscription, invoice);
    }
}
