export default {
  render(context) {
    const live = liveFigure(context);
    return () => live.remove();
  },
};
