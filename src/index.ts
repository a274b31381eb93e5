/** ffswarm as a library: the same nodes and jobs as the command line's. */
export * from './node/index.ts'
