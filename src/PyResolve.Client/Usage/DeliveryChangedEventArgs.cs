namespace PyResolve.Client;

/// <summary>How the delivery of usage events changed.</summary>
/// <param name="failure">Why sending fails; <see langword="null"/> when it works again.</param>
public sealed class DeliveryChangedEventArgs(PyResolveException? failure) : EventArgs
{
    /// <summary>Why sending fails; <see langword="null"/> when it works again.</summary>
    public PyResolveException? Failure => failure;
}
