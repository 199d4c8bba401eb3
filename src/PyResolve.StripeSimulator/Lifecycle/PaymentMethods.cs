using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class PaymentMethods
{
    public static PaymentMethod Add(StripeState state, CardBehaviour behaviour, Customer? customer)
    {
        var method = state.PaymentMethods.Add(new PaymentMethod
        {
            Id = state.Ids.Next("pm"),
            Created = state.NowOn(customer?.TestClockId),
            Behaviour = behaviour,
            CustomerId = customer?.Id,
        });
        if (customer is not null)
            state.Events.Emit(method, "attached");
        return method;
    }

    public static void Attach(StripeState state, PaymentMethod method, Customer customer)
    {
        method.CustomerId = customer.Id;
        state.Events.Emit(method, "attached");
    }

    public static void Detach(StripeState state, PaymentMethod method)
    {
        var customer = method.CustomerId is { } id ? state.Customers.Get(id) : null;
        method.CustomerId = null;
        state.Events.Emit(method, "detached");
        if (customer?.PaymentMethodId == method.Id)
            MakeDefault(state, customer, null);
    }

    /// <summary>What pays the customer's invoices.</summary>
    public static void MakeDefault(StripeState state, Customer customer, PaymentMethod? method) => state.Events.Change(customer, () =>
    {
        customer.Card = method?.Behaviour;
        customer.PaymentMethodId = method?.Id;
    });
}
