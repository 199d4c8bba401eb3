namespace PyResolve.StripeSimulator.Objects;

internal static class Portals
{
    /// <summary>
    /// What sessions without a configuration get, as if saved in the Dashboard: another card, invoices, cancelling at the period's end. Not
    /// switching, which has to be told which prices.
    /// </summary>
    public static PortalConfiguration Default(World world) =>
        world.PortalConfigurations.All.FirstOrDefault(static configuration => configuration.IsDefault)
        ?? world.PortalConfigurations.Add(new PortalConfiguration
        {
            Id = world.Ids.Next("bpc"),
            Created = world.Now,
            Updated = world.Now,
            IsDefault = true,
            Features = new PortalFeatures { CanUpdatePaymentMethod = true, CanSeeInvoices = true, CanCancel = true },
        });
}
