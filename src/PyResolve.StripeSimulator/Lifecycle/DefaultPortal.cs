using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class DefaultPortal
{
    /// <summary>The configuration of sessions that name none. It cannot switch plans, which needs a list of prices.</summary>
    public static PortalConfiguration GetOrAdd(StripeState state) =>
        state.PortalConfigurations.All.FirstOrDefault(static configuration => configuration.IsDefault)
        ?? state.PortalConfigurations.Add(new PortalConfiguration
        {
            Id = state.Ids.Next("bpc"),
            Created = state.Now,
            Updated = state.Now,
            IsDefault = true,
            Features = new PortalFeatures { CanUpdatePaymentMethod = true, CanSeeInvoices = true, CanCancel = true },
        });
}
